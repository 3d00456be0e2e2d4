"""The book in the back office."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from ledger.services import open_account, post
from ledger.statuses import AccountKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser(email="root@example.com", password="x"))
    return client


@pytest.fixture
def posting():
    cash = open_account(code="cash", kind=AccountKind.ASSET, currency="RWF", name="Cash")
    budget = open_account(code="budget", kind=AccountKind.EXPENSE, currency="RWF", name="Budget")
    return post(
        key="one", description="First", entries=[(budget, Decimal(1500)), (cash, Decimal(-1500))], at=timezone.now()
    )


@pytest.mark.usefixtures("posting")
def test_accounts_show_their_totals(root: Client) -> None:
    page = root.get(reverse("admin:ledger_account_changelist")).content.decode()

    assert "RWF 1,500" in page
    assert "RWF -1,500" in page


def test_postings_show_their_lines(root: Client, posting) -> None:
    assert "First" in root.get(reverse("admin:ledger_posting_changelist")).content.decode()
    page = root.get(reverse("admin:ledger_posting_change", args=[posting.pk])).content.decode()

    assert ("cash" in page, "-1500" in page.replace(",", "")) == (True, True)


def test_search_finds_the_beginning_only(root: Client, posting) -> None:
    for model, term, found in (
        ("posting", "on", True),
        ("posting", "ne", False),
        ("account", "ca", True),
        ("account", "ash", False),
    ):
        page = root.get(reverse(f"admin:ledger_{model}_changelist"), {"q": term}).content.decode()
        assert (("First" if model == "posting" else "Cash") in page) is found


@pytest.mark.parametrize("model", ["account", "posting"])
def test_nothing_can_be_changed(root: Client, posting, model: str) -> None:
    row = posting.pk if model == "posting" else posting.entries.first().account_id

    assert root.get(reverse(f"admin:ledger_{model}_add")).status_code == 403
    assert root.post(reverse(f"admin:ledger_{model}_change", args=[row]), {"name": "x"}).status_code == 403
    assert root.post(reverse(f"admin:ledger_{model}_delete", args=[row]), {"post": "yes"}).status_code == 403
