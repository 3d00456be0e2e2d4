"""`manage.py verify_audit`: a changed row is found, a whole trail passes."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import selectors
from audit.models import AuditEvent
from audit.services import record

AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)


def tamper(statement: str) -> None:
    """Do what a person with the keys of the database can do."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL session_replication_role = replica; {statement}; SET LOCAL session_replication_role = DEFAULT"
        )


def verify() -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("verify_audit", "--json", stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 5])
def test_verify_audit_passes_an_untouched_trail(count: int, monkeypatch) -> None:
    monkeypatch.setattr(selectors, "PAGE", 2)
    for number in range(count):
        record("test.done", target=("loan", number + 1), after={"n": number}, at=AT.replace(month=number % 2 + 11))

    assert verify() == (0, {"ok": True, "checked": count, "breachCount": 0, "breaches": []})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        'after = \'{"amount": "9000.00"}\'',
        "reason = 'nothing to see'",
        "actor_label = 'somebody else'",
        "at = at + interval '1 second'",
        "integrity_hash = repeat('0', 64)",
        "integrity_hash = ''",
        "before = '[]'",
    ],
)
def test_verify_audit_finds_a_changed_row(change: str) -> None:
    record("test.done", target=("loan", 1), at=AT)
    event = record("test.done", target=("loan", 2), after={"amount": "5000.00"}, at=AT)
    tamper(f"UPDATE audit_event SET {change} WHERE id = {event.pk}")

    status, found = verify()

    assert status == 1
    assert (found["ok"], found["checked"], found["breachCount"]) == (False, 2, 1)
    assert (found["breaches"][0]["kind"], found["breaches"][0]["where"]) == ("row_changed", f"event {event.pk}")


@pytest.mark.django_db
def test_verify_audit_finds_a_guard_switched_off() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event_default DISABLE TRIGGER audit_append_only")
        cursor.execute("DROP TRIGGER audit_no_truncate ON audit_event")

    status, found = verify()

    assert status == 1
    assert [(breach["kind"], breach["where"]) for breach in found["breaches"]] == [
        ("guard_missing", "audit_event"),
        ("guard_missing", "audit_event_default"),
    ]


@pytest.mark.django_db
def test_verify_audit_speaks_to_people() -> None:
    record("test.done", target=("loan", 1), at=AT)
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue() == "All well: 1 events, every hash matches, every guard in place.\n"

    tamper("UPDATE audit_event SET reason = 'x'")
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"^1 breach in the audit trail\.$") as error:
        call_command("verify_audit", stdout=out)

    assert error.value.returncode == 1
    assert "test.done on loan 1" in out.getvalue()


@pytest.mark.django_db
def test_verify_audit_lists_the_first_breaches_and_counts_all(monkeypatch) -> None:
    monkeypatch.setattr("audit.management.commands.verify_audit.MOST_LISTED", 2)
    for number in range(3):
        record("test.done", target=("loan", number + 1), at=AT)
    tamper("UPDATE audit_event SET reason = 'x'")

    status, found = verify()

    assert (status, found["breachCount"], len(found["breaches"])) == (1, 3, 2)


@pytest.mark.django_db
def test_audit_event_says_what_it_is() -> None:
    assert str(record("test.done", target=("loan", 1), at=AT)) == "test.done loan 1"
    assert AuditEvent.objects.count() == 1
