"""Answers of the SMS API that break off, drip or do not end: each try may have sent the message, so each counts."""

import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from notifications.africastalking.answers import Kind
from notifications.africastalking.client import PATH, send
from notifications.configuration import NotificationSettings
from notifications.services import queueing
from notifications.services.sending import send_message
from notifications.statuses import MessageStatus
from outbound.exchange import MAX_BODY_BYTES
from tests.disbursements.momo.raw_server import Answer, RawServer, drip, hang_up, raw, say
from tests.notifications.messages import PHONE, configure, only_message, queue

pytestmark = pytest.mark.django_db(transaction=True)

SENT = json.dumps(
    {"SMSMessageData": {"Message": "Sent", "Recipients": [{"statusCode": 101, "messageId": "ATXid_1"}]}}
).encode()
BROKEN: dict[str, Answer] = {
    "cut short": say(201, SENT, length=len(SENT) + 100),
    "called compressed": say(201, SENT, headers=["Content-Encoding: gzip"], length=len(SENT) + 1),
    "half a chunk": raw(b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n" + SENT[:40]),
    "two lengths": raw(b"HTTP/1.1 201 X\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
    "without end": say(201, b"x" * (MAX_BODY_BYTES + 1)),
    "none": hang_up,
}


@pytest.fixture
def provider(settings) -> Iterator[RawServer]:
    """Says what it is told, and takes the message whatever it says."""
    settings.SANDBOX = True
    with RawServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody but the test looks at a message."""
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


@pytest.mark.parametrize("name", BROKEN)
def test_customer_gets_no_more_copies_than_there_are_tries(name: str, provider: RawServer, noon: datetime) -> None:
    provider.answers[PATH] = [BROKEN[name]]
    configure(noon, base_url=provider.url, max_tries=3)
    message, at = queue(noon), noon

    for _ in range(9):
        send_message(message_id=message.pk, at=at)
        at = max(at, only_message().next_action_at or at)

    stored = only_message()
    assert (stored.status, stored.tries, stored.error_code) == (MessageStatus.FAILED, 3, "UNKNOWN")
    assert len(provider.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 201 X\r\nContent-Length: 200\r\n\r\n" + b" " * 200, pause=0.1),
        drip(b"HTTP/1.1 201 X\r\nX-Padding: " + b"x" * 200, pause=0.1),
    ],
    ids=["body", "headers"],
)
def test_answer_that_drips_is_cut_off_in_time(answer: Answer, provider: RawServer) -> None:
    provider.answers[PATH] = [answer]
    limits = {"connect_timeout_seconds": 0.5, "read_timeout_seconds": 0.5}
    started = time.monotonic()

    result = send(to=PHONE, body="Hello", settings=NotificationSettings(base_url=provider.url, **limits))

    assert (result.kind, result.unknown) == (Kind.RETRY, True)
    # The whole of either answer would take twenty seconds.
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "changes",
    [{"api_key": "clé\n"}, {"api_key": "密"}, {"base_url": "http://x:99999999"}],
    ids=["line", "word", "port"],
)
def test_settings_no_request_can_be_made_of_wait_for_an_operator(provider: RawServer, changes: dict[str, str]) -> None:
    provider.answers[PATH] = [say(201, SENT)]
    chosen = NotificationSettings(**{"base_url": provider.url, **changes})

    result = send(to=PHONE, body="Hello", settings=chosen)

    assert (result.kind, result.code, result.unknown) == (Kind.OPERATOR, "NOT_SENDABLE", False)
    assert provider.seen == []


def test_refusal_whose_words_are_cut_short_is_a_refusal(provider: RawServer) -> None:
    provider.answers[PATH] = [say(401, b"The supplied", length=40)]

    result = send(to=PHONE, body="Hello", settings=NotificationSettings(base_url=provider.url))

    assert (result.kind, result.code) == (Kind.OPERATOR, "HTTP_401")
