"""Recording acts, on PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import structlog
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.canonical import row_hash
from audit.context import acting
from audit.models import AuditEvent
from audit.registry import UnregisteredAction
from audit.services import Act, NoTransactionOpen, record, record_many
from audit.services.partitions import create_partitions

AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)

NASTY = {
    "amount": Decimal("5000.00"),
    "float": 1e16,
    "tiny": 5e-324,
    "big": 10**30,
    "text": 'NUL \x00, surrogate \ud800, emoji 🙂, quote " and \\',
    "nested": {"b": [1, {"z": None}], "a": False},
    "": "empty key",
}


@pytest.mark.django_db
def test_record_adds_one_event_with_one_statement() -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        acting(user_id=7, label="ama@example.com", ip="10.0.0.1"),
    ):
        event = record(
            "test.done", target=("loan", "L-1"), before={"status": "a"}, after={"status": "b"}, reason="why", at=AT
        )

    assert [query["sql"].split(" ", 1)[0] for query in queries] == ["INSERT"]
    stored = AuditEvent.objects.get()
    assert stored.pk == event.pk
    assert (stored.at, stored.action, stored.target_type, stored.target_id) == (AT, "test.done", "loan", "L-1")
    assert (stored.actor_id, stored.actor_label, stored.ip) == ("7", "ama@example.com", "10.0.0.1")
    assert (stored.before, stored.after, stored.reason) == ({"status": "a"}, {"status": "b"}, "why")


@pytest.mark.django_db
def test_record_stores_the_request_id_of_the_logs() -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-" + "x" * 100):
        event = record("test.done", target=("loan", 1), at=AT)

    assert event.request_id == ("req-" + "x" * 100)[:64]


@pytest.mark.django_db
def test_record_without_an_actor_is_the_system() -> None:
    event = record("test.done", target=("loan", 1), at=AT)

    assert (event.actor_id, event.actor_label, event.ip) == ("", "system", None)


@pytest.mark.django_db
@pytest.mark.parametrize("ip", [None, "10.0.0.1", "2001:DB8::1", "::ffff:10.0.0.1", "junk"])
def test_record_hash_still_matches_after_the_database(ip: str | None) -> None:
    with acting(label="a\x00" * 300, ip=ip):
        record("test.done", target=("loan", "x" * 100), before=NASTY, after=NASTY, reason="\x00", at=AT)

    stored = AuditEvent.objects.get()
    assert row_hash(stored) == stored.integrity_hash


@pytest.mark.django_db
def test_record_names_a_model_instance() -> None:
    user = User.objects.create(phone="+250788123456")

    event = record("test.done", target=user, at=AT)

    assert (event.target_type, event.target_id) == ("accounts.user", str(user.pk))


@pytest.mark.django_db
@pytest.mark.parametrize("target", [("loan", ""), ("loan", None), ("", 1), AuditEvent()])
def test_record_refuses_a_target_without_id(target: object) -> None:
    with pytest.raises(ValueError, match="id"):
        record("test.done", target=target, at=AT)  # type: ignore[arg-type]

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_record_refuses_an_unregistered_action() -> None:
    with pytest.raises(UnregisteredAction):
        record("test.unknown", target=("loan", 1), at=AT)

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused() -> None:
    with pytest.raises(NoTransactionOpen):
        record("test.done", target=("loan", 1), at=AT)
    with pytest.raises(NoTransactionOpen):
        record_many([Act(action="test.done", target=("loan", 1))], at=AT)

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_record_vanishes_with_the_act_it_records() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        record("test.done", target=("loan", 1), at=AT)
        raise RuntimeError

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_record_many_uses_one_statement_however_many(count: int) -> None:
    acts = [Act(action="test.done", target=("code", number), after={"n": number}) for number in range(count)]

    with CaptureQueriesContext(connection) as queries:
        events = record_many(acts, at=AT)

    assert len(queries) == (1 if count else 0)
    assert len(events) == AuditEvent.objects.count() == count
    assert all(row_hash(event) == event.integrity_hash for event in AuditEvent.objects.all())


@pytest.mark.django_db
def test_record_many_refuses_all_when_one_is_unregistered() -> None:
    acts = [Act(action="test.done", target=("code", 1)), Act(action="test.unknown", target=("code", 2))]

    with pytest.raises(UnregisteredAction):
        record_many(acts, at=AT)

    assert not AuditEvent.objects.exists()


CHANGES = [
    "UPDATE {} SET reason = 'changed'",
    "UPDATE {} SET at = at - '60 days'::interval",
    "DELETE FROM {}",
    "TRUNCATE {}",
]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["audit_event", "audit_event_2026_11"])
@pytest.mark.parametrize("change", CHANGES)
def test_audit_events_cannot_be_changed(change: str, table: str) -> None:
    create_partitions(at=AT)
    record("test.done", target=("loan", 1), at=AT)

    assert_refused(change.format(table))

    stored = AuditEvent.objects.get()
    assert (stored.reason, stored.at) == ("", AT)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["audit_event", "audit_event_default"])
@pytest.mark.parametrize("change", CHANGES)
def test_audit_events_of_a_month_without_partition_cannot_be_changed(change: str, table: str) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    record("test.done", target=("loan", 1), at=long_ago)

    assert_refused(change.format(table))

    stored = AuditEvent.objects.get()
    assert (stored.reason, stored.at) == ("", long_ago)


def assert_refused(statement: str) -> None:
    words = "refused: audit events are only ever added"
    with pytest.raises(IntegrityError, match=words), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
