"""Sending over real HTTP to the simulated provider, on a real database."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from notifications import tasks
from notifications.models import SmsMessage
from notifications.services import queueing
from notifications.services.sending import send_due, send_message
from notifications.statuses import MessageStatus
from tests.notifications.messages import PHONE, configure, only_message, queue
from tests.support.no_http_in_transaction import HttpInTransaction, forbid_http_in_transaction
from tests.support.ports import closed_port

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Nobody but the test looks at a message."""
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


def near(moment, expected, tolerance=9 * SECOND):
    """The clock ran on during the call."""
    return expected <= moment <= expected + tolerance


def test_message_is_sent_and_accepted(noon, sandbox):
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "accepted"

    stored = only_message()
    assert (stored.status, stored.tries, stored.next_action_at) == (MessageStatus.SENT, 1, None)
    assert stored.provider_message_id.startswith("ATXid_")
    assert near(stored.sent_at, noon)
    assert [(sms["to"], sms["message"]) for sms in sandbox.sms()] == [(PHONE, message.body)]


def test_task_sends_and_a_second_run_does_nothing(sandbox):
    message = queue(datetime.now(UTC))

    assert tasks.send_message(message_id=str(message.id)) == "accepted"
    assert tasks.send_message(message_id=str(message.id)) == "nothing to do"

    assert len(sandbox.sms()) == 1


def test_sweep_sends_everything_that_is_due_and_nothing_else(noon, sandbox):
    for number in range(3):
        queue(noon, key=f"due-{number}")
    queue(noon + SECOND * 60, key="later")

    assert send_due(at=noon) == 3

    assert len(sandbox.sms()) == 3
    assert SmsMessage.objects.get(key="later").status == MessageStatus.QUEUED


def test_sweep_task_says_what_it_did(sandbox):
    queue(datetime.now(UTC))

    assert tasks.sweep_due() == {"reports": 0, "messages": 1}
    assert tasks.sweep_due() == {"reports": 0, "messages": 0}


def test_message_leaves_with_the_sender_id_of_the_settings(noon, sandbox):
    configure(noon, sender_id="STARHASH")
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "accepted"


def test_unregistered_sender_id_waits_for_an_operator(noon, sandbox):
    configure(noon, sender_id="NOTOURS", hold_minutes=7)
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "operator"

    stored = only_message()
    assert (stored.status, stored.tries, stored.error_code) == (MessageStatus.QUEUED, 0, "InvalidSenderId")
    assert near(stored.next_action_at, noon + timedelta(minutes=7))
    assert sandbox.sms() == []


def test_refused_key_waits_for_an_operator_and_stops_the_sweep(noon, sandbox):
    configure(noon, api_key="wrong")
    queue(noon, key="one")
    queue(noon, key="two")

    assert send_due(at=noon) == 1

    looked_at = SmsMessage.objects.get(error_code="HTTP_401")
    assert looked_at.error_message == "The supplied authentication is invalid"
    assert (looked_at.status, looked_at.tries) == (MessageStatus.QUEUED, 0)
    assert SmsMessage.objects.filter(status=MessageStatus.QUEUED, error_code="").count() == 1


def test_settings_without_a_key_wait_for_an_operator_without_a_call(noon, sandbox):
    configure(noon, api_key="")
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "operator"
    assert only_message().error_code == "NOT_CONFIGURED"


def test_message_waits_for_the_operator_until_it_is_too_old(noon, sandbox):
    configure(noon, api_key="wrong", give_up_after_hours=1)
    message = queue(noon)
    send_message(message_id=message.id, at=noon)

    assert send_message(message_id=message.id, at=noon + timedelta(hours=1)) == "permanent"

    stored = only_message()
    assert (stored.status, stored.error_code, stored.next_action_at) == (MessageStatus.FAILED, "TOO_OLD", None)


# What the simulated provider does with numbers that end in 990 and a code.
@pytest.mark.parametrize(
    ("code", "error_code"),
    [(403, "InvalidPhoneNumber"), (404, "UnsupportedNumberType"), (406, "UserInBlacklist"), (407, "CouldNotRoute")],
)
def test_permanent_refusal_fails_at_once(noon, sandbox, code, error_code):
    message = queue(noon, to=f"+250788990{code}")

    assert send_message(message_id=message.id, at=noon) == "permanent"

    stored = only_message()
    assert (stored.status, stored.error_code, stored.next_action_at) == (MessageStatus.FAILED, error_code, None)
    assert stored.tries == 1


def test_number_on_hold_waits_without_using_a_try(noon, sandbox):
    message = queue(noon, to="+250788990401")

    assert send_message(message_id=message.id, at=noon) == "hold"

    stored = only_message()
    assert (stored.status, stored.tries, stored.error_code) == (MessageStatus.QUEUED, 0, "RiskHold")
    assert near(stored.next_action_at, noon + timedelta(minutes=10))


def test_quiet_hours_are_waited_out_and_end_the_message_at_any_other_time(noon, sandbox):
    night = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    late = queue(night, key="late", to="+234803990409")
    early = queue(noon, key="noon", to="+234804990409")

    assert send_message(message_id=late.id, at=night) == "quiet_hours"
    assert send_message(message_id=early.id, at=noon) == "quiet_hours"

    late.refresh_from_db()
    early.refresh_from_db()
    assert (late.status, late.tries) == (MessageStatus.QUEUED, 0)
    assert late.next_action_at == datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
    assert (early.status, early.error_code) == (MessageStatus.FAILED, "DoNotDisturbRejection")


def test_gateway_error_is_retried_by_the_delays_until_the_tries_are_used_up(noon, sandbox):
    configure(noon, max_tries=3, retry_delays_seconds=[100, 600])
    message = queue(noon, to="+250788990501")
    at, waits = noon, []
    for _ in range(3):
        assert send_message(message_id=message.id, at=at) == "retry"
        message.refresh_from_db()
        if message.next_action_at:
            waits.append(message.next_action_at - at)
            at = message.next_action_at

    first, second = waits
    assert near(first, 100 * SECOND)
    assert near(second, 600 * SECOND)
    assert (message.status, message.tries, message.error_code) == (MessageStatus.FAILED, 3, "GatewayError")


def test_time_out_is_retried_and_the_customer_may_get_it_twice(noon, sandbox):
    configure(noon, read_timeout_seconds=2)
    sandbox.sms_faults("timeout", times=1, delayMs=600_000)
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "retry"
    configure(noon, read_timeout_seconds=30)
    stored = only_message()
    assert (stored.status, stored.tries, stored.error_code) == (MessageStatus.QUEUED, 1, "TIME_OUT")

    assert send_message(message_id=message.id, at=stored.next_action_at) == "accepted"
    assert only_message().status == MessageStatus.SENT
    assert len(sandbox.sms()) == 2


def test_last_time_out_leaves_the_outcome_unknown(noon, sandbox):
    configure(noon, read_timeout_seconds=0.2, max_tries=1)
    sandbox.sms_faults("timeout", times=1, delayMs=600_000)
    message = queue(noon)

    send_message(message_id=message.id, at=noon)

    stored = only_message()
    assert (stored.status, stored.error_code, stored.error_message) == (
        MessageStatus.FAILED,
        "UNKNOWN",
        "No answer",
    )


def test_server_error_is_retried(noon, sandbox):
    sandbox.sms_faults("http_500", times=1)
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "retry"

    stored = only_message()
    assert (stored.status, stored.error_code) == (MessageStatus.QUEUED, "HTTP_500")


def test_dead_provider_keeps_every_message_and_stops_the_sweep(noon):
    configure(noon, base_url=f"http://127.0.0.1:{closed_port()}")
    queue(noon, key="one")
    queue(noon, key="two")

    assert send_due(at=noon) == 1

    assert SmsMessage.objects.filter(status=MessageStatus.QUEUED).count() == 2
    assert SmsMessage.objects.filter(error_code="CONNECTION_FAILED", tries=1).count() == 1


def test_sending_that_is_switched_off_leaves_messages_waiting(noon, sandbox):
    configure(noon, enabled=False)
    message = queue(noon)

    assert send_message(message_id=message.id, at=noon) == "nothing to do"
    assert send_due(at=noon) == 0
    configure(noon, enabled=True)
    assert send_due(at=noon) == 1

    assert len(sandbox.sms()) == 1


def test_guard_against_http_inside_a_transaction_bites(noon, sandbox):
    # It is in force around every test of this file, so all others show that sending never does this.
    message = queue(noon)

    with (
        pytest.raises(HttpInTransaction, match="version1/messaging inside a transaction"),
        forbid_http_in_transaction(),
        transaction.atomic(),
        suppress(HttpInTransaction),
    ):
        send_message(message_id=message.id, at=noon)

    assert sandbox.sms() == []
