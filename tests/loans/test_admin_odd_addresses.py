"""Addresses that nobody clicks: what names no row is not found or not allowed, never an error; lists stay cheap."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from loans.services.repayment_files import upload_file
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db

BUTTONS = {
    "loan": ("repay", "approve", "reject", "pay_out", "retry", "cancel", "write_off"),
    "repayment": ("take_back",),
    "paidinnotice": ("match", "dismiss"),
    "repaymentfile": ("apply",),
    "collectionrequest": ("ask_now", "close"),
    "creditprofile": ("adjust",),
}
ODD = ("abc", "0", "00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(("model", "button"), [(model, button) for model in BUTTONS for button in BUTTONS[model]])
def test_button_of_no_row_may_not_be_pressed(office: Client, model: str, button: str) -> None:
    values = {"_form_submitted": "on", "reason": "x", "score": "5", "automatic_limit": "on"}
    before = actions()

    for odd in ODD:
        url = reverse(f"admin:loans_{model}_{button}", args=[odd])
        assert (office.get(url).status_code, office.post(url, values).status_code) == (403, 403)
    assert actions() == before


@pytest.mark.parametrize("model", BUTTONS)
def test_page_of_no_row_leads_away(office: Client, model: str) -> None:
    for odd in ODD:
        assert office.get(reverse(f"admin:loans_{model}_change", args=[odd])).status_code == 302


@pytest.mark.parametrize("model", ["loan", "repayment", "collectionrequest"])
def test_last_day_of_the_calendar_is_a_day(office: Client, model: str) -> None:
    days = {"created_at_from": "0001-01-01", "created_at_to": "9999-12-31"}

    assert office.get(reverse(f"admin:loans_{model}_changelist"), days).status_code == 200


def test_list_of_files_reads_no_lines(office: Client, boss: User) -> None:
    statements = []
    for number in range(3):
        text = f"loan,amount,rail,reference,received_at\nUSS-2026-001,5,cash,R-{number},2025-11-20\n"
        upload_file(name="a.csv", content=text.encode(), uploaded_by=boss, at=timezone.now() - timedelta(hours=1))
        with CaptureQueriesContext(connection) as queries:
            assert office.get(reverse("admin:loans_repaymentfile_changelist")).status_code == 200
        assert not any("loans_repayment_file_line" in query["sql"] for query in queries.captured_queries)
        statements.append(len(queries))

    assert len(set(statements)) == 1
