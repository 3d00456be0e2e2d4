"""Asking for a message."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from notifications import tasks
from notifications.models import SmsMessage
from notifications.services import MessageNotFailed, queueing, send_again, send_sms
from notifications.statuses import MessageStatus
from notifications.templates import UnknownTemplate, register_template
from tests.notifications.messages import PHONE, only_message, queue


@pytest.fixture
def nudges(monkeypatch):
    """Ids handed to the broker."""
    sent = []
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: sent.append(message_id))
    return sent


@pytest.mark.django_db(transaction=True)
def test_message_is_queued_and_its_task_nudged_after_the_commit(noon, nudges):
    with transaction.atomic():
        message = queue(noon)
        assert nudges == []

    stored = only_message()
    assert stored == message
    assert (stored.to, stored.body, stored.language) == (PHONE, "You have been paid RWF 5,000. Ref ABC.", "en")
    assert (stored.status, stored.tries) == (MessageStatus.QUEUED, 0)
    assert (stored.next_action_at, stored.created_at, stored.queued_at) == (noon, noon, noon)
    assert nudges == [str(message.id)]


@pytest.mark.django_db(transaction=True)
def test_rolled_back_caller_sends_nothing(noon, nudges):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue(noon)
        raise ZeroDivisionError

    assert not SmsMessage.objects.exists()
    assert nudges == []


@pytest.mark.django_db(transaction=True)
def test_same_key_is_queued_once_and_gets_the_first_message(noon, nudges):
    first = queue(noon, key="payout-1")
    again = queue(noon, key="payout-1", to="+250788999999")

    assert again == first
    assert again.to == PHONE
    assert SmsMessage.objects.count() == 1
    assert nudges == [str(first.id)]


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_does_not_fail_the_caller(noon, monkeypatch):
    def refuse(*, message_id):
        raise ConnectionError("no broker")

    monkeypatch.setattr(queueing.send_message, "delay", refuse)

    queue(noon)

    assert only_message().status == MessageStatus.QUEUED


@pytest.mark.django_db
def test_queueing_is_one_statement(noon, nudges):
    queue(noon, key="warm settings")

    with CaptureQueriesContext(connection) as queries:
        send_sms(
            to=PHONE,
            template="test.paid",
            language="rw",
            context={"amount": "RWF 1", "reference": "R"},
            key="k2",
            at=noon,
        )

    assert len(queries) == 1


@pytest.mark.django_db
def test_value_of_absurd_length_is_cut_to_three_parts(noon, nudges):
    register_template("test.name", words={"en": "Dear {name}"}, fields={"name"})

    message = send_sms(to=PHONE, template="test.name", language="en", context={"name": "€" * 900}, key="k", at=noon)

    assert message.body == "Dear " + "€" * 227


@pytest.mark.django_db
def test_unknown_template_and_missing_field_queue_nothing(noon):
    with pytest.raises(UnknownTemplate):
        send_sms(to=PHONE, template="none", language="en", context={}, key="k", at=noon)
    with pytest.raises(KeyError):
        send_sms(to=PHONE, template="test.paid", language="en", context={}, key="k", at=noon)

    assert not SmsMessage.objects.exists()


@pytest.fixture
def manager(django_user_model):
    return django_user_model.objects.create(email="manager@example.com", is_staff=True)


def fail(message):
    SmsMessage.objects.filter(pk=message.pk).update(status=MessageStatus.SENDING)
    SmsMessage.objects.filter(pk=message.pk).update(
        status=MessageStatus.FAILED, next_action_at=None, error_code="UNKNOWN", error_message="x", tries=5
    )


@pytest.mark.django_db(transaction=True)
def test_failed_message_is_sent_again_with_all_its_tries_and_audited(noon, manager, nudges):
    message = queue(noon)
    fail(message)

    send_again(message_id=message.id, requested_by=manager, at=noon.replace(hour=13))

    stored = only_message()
    assert (stored.status, stored.tries, stored.error_code, stored.error_message) == ("queued", 0, "", "")
    assert stored.next_action_at == stored.queued_at == noon.replace(hour=13)
    assert stored.created_at == noon
    assert nudges == [str(message.id)] * 2
    event = AuditEvent.objects.get(action="notifications.message.sent_again")
    assert event.target_id == str(message.id)
    assert event.actor_label == "manager@example.com"
    assert (event.before["status"], event.after["status"]) == ("failed", "queued")
    assert event.before["error_code"] == "UNKNOWN"


@pytest.mark.django_db
def test_message_that_has_not_failed_is_not_sent_again(noon, manager, nudges):
    message = queue(noon)

    with pytest.raises(MessageNotFailed, match="waiting to be sent"):
        send_again(message_id=message.id, requested_by=manager, at=noon)

    assert not AuditEvent.objects.filter(action="notifications.message.sent_again").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED])
def test_database_refuses_a_leap_between_statuses(noon, nudges, status):
    queue(noon)

    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        SmsMessage.objects.update(status=status, next_action_at=None, delivered_at=noon)

    assert only_message().status == MessageStatus.QUEUED


@pytest.mark.django_db
def test_database_refuses_a_waiting_message_that_is_never_due(noon, nudges):
    queue(noon)

    with pytest.raises(IntegrityError, match="sms_waiting_is_due"), transaction.atomic():
        SmsMessage.objects.update(next_action_at=None)


def test_every_status_has_its_moves():
    assert MessageStatus.MOVES.keys() == set(MessageStatus.values)
    assert {status for moves in MessageStatus.MOVES.values() for status in moves} <= set(MessageStatus.values)


@pytest.mark.django_db
def test_tasks_have_the_names_that_the_schedule_uses(settings):
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert tasks.sweep_due.name in scheduled
    assert tasks.send_message.name == "notifications.send_message"
