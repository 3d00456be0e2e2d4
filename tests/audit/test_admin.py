"""The audit trail in the back office."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.context import acting
from audit.models import AuditEvent
from audit.services import record

pytestmark = pytest.mark.django_db
LIST = reverse("admin:audit_auditevent_changelist")


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(email="root@example.com"))
    return client


@pytest.fixture
def events() -> list[AuditEvent]:
    """Three acts on three days by three actors."""
    made = []
    for day, action, target, actor in [
        (1, "test.done", ("loan", "L-1"), "ama@example.com"),
        (2, "test.other.done", ("loan", "L-2"), "task:test"),
        (3, "test.done", ("code", "C-1"), "system"),
    ]:
        with acting(label=actor):
            made.append(
                record(action, target=target, after={"n": day}, at=datetime(2026, 11, day, 23, 59, 59, tzinfo=UTC))
            )
    return made


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", [3, 2, 1]),
        ("?action=test.done", [3, 1]),
        ("?target_type=loan", [2, 1]),
        ("?actor= ama@example.com ", [1]),
        ("?actor=ama", []),
        ("?q=L-2", [2]),
        ("?q=L", []),
        ("?at_from=2026-11-02", [3, 2]),
        ("?at_to=2026-11-02", [2, 1]),
        ("?at_from=2026-11-02&at_to=2026-11-02", [2]),
        ("?at_from=soon", [3, 2, 1]),
        ("?at_from=2026-11-02&action=test.done&target_type=code&actor=system&q=C-1", [3]),
    ],
)
def test_audit_list_filters_and_searches(query: str, days: list[int], browser: Client, events) -> None:
    answer = browser.get(LIST + query)

    assert [event.at.day for event in answer.context["cl"].result_list] == days


def test_audit_list_never_counts(browser: Client, events) -> None:
    with CaptureQueriesContext(connection) as queries:
        browser.get(LIST)

    assert [query["sql"] for query in queries if "COUNT(" in query["sql"]] == []
    assert len(queries) == 4


def test_audit_list_offers_the_types_there_are(browser: Client, events) -> None:
    content = browser.get(LIST).content.decode()

    assert '<option value="code"' in content
    assert '<option value="loan"' in content
    assert '<option value="promos.batch"' not in content


def test_audit_event_page_shows_before_and_after(browser: Client) -> None:
    event = record(
        "test.done", target=("loan", 1), before={"status": "<b>old</b>"}, after={"status": "new", "steps": [1, 2]}
    )

    content = browser.get(reverse("admin:audit_auditevent_change", args=[event.pk])).content.decode()

    assert "A test did something" in content
    assert "&lt;b&gt;old&lt;/b&gt;" in content
    assert "<b>old</b>" not in content
    assert "[1, 2]" in content
    assert event.integrity_hash in content


def test_audit_event_page_of_an_act_without_values(browser: Client) -> None:
    event = record("test.done", target=("loan", 1))

    assert browser.get(reverse("admin:audit_auditevent_change", args=[event.pk])).status_code == 200


def test_audit_events_can_only_be_read(browser: Client, events) -> None:
    change = reverse("admin:audit_auditevent_change", args=[events[0].pk])
    delete = reverse("admin:audit_auditevent_delete", args=[events[0].pk])

    assert browser.get(reverse("admin:audit_auditevent_add")).status_code == 403
    assert browser.post(change, {"reason": "changed"}).status_code == 403
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.count() == 3


def test_audit_trail_is_closed_to_staff_without_permission(events) -> None:
    client = Client()
    client.force_login(User.objects.create_user(email="teller@example.com"))

    assert client.get(LIST).status_code == 403
