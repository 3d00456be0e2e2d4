"""Answers that no decent server gives: nothing raises, nothing hangs, nothing is believed."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from disbursements.providers.base import Answer, Outcome
from disbursements.statuses import ErrorClass
from outbound.exchange import MAX_BODY_BYTES, TimeLimit
from tests.disbursements.momo.conftest import TRANSFER, make_client, make_transfer, sign_in
from tests.disbursements.momo.raw_server import (
    Answer as RawAnswer,
)
from tests.disbursements.momo.raw_server import (
    RawServer,
    drip,
    hang_up,
    raw,
    say,
    say_json,
    say_token,
    stay_silent,
)

REJECTED = "<html><head><title>Request Rejected</title></head><body>Contact your administrator</body></html>"
# What needs longer than this to answer needs at least LONG seconds.
QUICK = TimeLimit(1, 0.5)
LONG = 20
DEEP = b"[" * 60_000
PAID = b'{"amount":"5000","currency":"RWF","status":"SUCCESSFUL"}'

NO_CLEAR_ANSWER: dict[str, RawAnswer] = {
    "page with 200": say(200, REJECTED, headers=["Content-Type: text/html"]),
    "empty 200": say(200),
    "created": say(201, "{}"),
    "redirect": say(302, headers=["Location: http://127.0.0.1:1/elsewhere"]),
    "empty 500": say(500),
    "page with 502": say(502, REJECTED),
    "unknown code with 500": say_json(500, {"code": "SOMETHING_NEW", "message": "?"}),
    "code of the wrong type": say_json(500, {"code": ["NOT_ALLOWED"], "message": {"a": 1}}),
    "request time-out": say(408),
    "closed at once": hang_up,
    "no http": raw(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
    "half a status line": raw(b"HTTP/1.1 20"),
    "absurd status": raw(b"HTTP/1.1 999999 X\r\n\r\n"),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcde"),
    "too many headers": raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n"),
    "endless header": raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000),
    "closed in the body": say(200, PAID, length=500),
    "broken chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "compressed against our word": say(200, b"\x1f\x8b\x08", headers=["Content-Encoding: gzip"]),
    "too large": say(200, b" " * MAX_BODY_BYTES + PAID),
    "deep": say(200, DEEP),
    "no utf-8": say(200, b"\xff\xfe\xff"),
    "a list": say(200, "[1]"),
    "silence": stay_silent,
    "headers byte by byte": drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200, pause=0.1),
    "body byte by byte": drip(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200, pause=0.1),
}


@pytest.mark.parametrize("name", NO_CLEAR_ANSWER)
@pytest.mark.parametrize("act", ["send", "ask"])
def test_answer_that_is_none_leaves_the_outcome_unknown(misbehaving: RawServer, name: str, act: str) -> None:
    transfer = make_transfer()
    path = TRANSFER if act == "send" else f"{TRANSFER}/{transfer.reference}"
    misbehaving.answers[path] = [NO_CLEAR_ANSWER[name]]
    sign_in(misbehaving.url)
    client = make_client(misbehaving.url, limit=QUICK)
    started = time.monotonic()

    outcome = client.send(transfer) if act == "send" else client.ask(transfer.reference)

    assert outcome.answer is Answer.UNKNOWN
    assert outcome.transaction_id == ""
    assert time.monotonic() - started < LONG
    # Asked once: no redirect followed, nothing repeated by the library.
    assert [call.path for call in misbehaving.seen] == ["/disbursement/token/", path]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (say(403, "FORBIDDEN IP"), "FORBIDDEN IP"),
        (say(403, "<html><h1>403</h1>\x00Forbidden</html>"), "403 Forbidden"),
        (say(404, ""), ""),
        (say(418, b"\xff" * 1000), "\ufffd" * 300),
        (say_json(415, {"code": "A" * 500, "message": "m" * 1000}), "m" * 300),
    ],
)
def test_send_to_closed_door_is_blocked_with_its_words(misbehaving: RawServer, answer: RawAnswer, message: str) -> None:
    misbehaving.answers[TRANSFER] = [answer]

    outcome = make_client(misbehaving.url).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.BLOCKED, ErrorClass.CONFIGURATION)
    assert outcome.message == message
    assert len(outcome.code) <= 80


def test_send_refused_for_float_at_the_door_waits_for_float(misbehaving: RawServer) -> None:
    misbehaving.answers[TRANSFER] = [say_json(500, {"code": "NOT_ENOUGH_FUNDS", "message": "no"})]

    outcome = make_client(misbehaving.url).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.TURNED_AWAY, ErrorClass.FLOAT)


def test_send_accepted_without_readable_body_is_accepted(misbehaving: RawServer) -> None:
    misbehaving.answers[TRANSFER] = [say(202, "x", length=100)]

    assert make_client(misbehaving.url).send(make_transfer()) == Outcome(Answer.ACCEPTED, http_status=202)


def test_send_too_often_is_not_asked(misbehaving: RawServer) -> None:
    misbehaving.answers[TRANSFER] = [say_json(429, {"statusCode": 429, "message": "Rate limit is exceeded."})]

    outcome = make_client(misbehaving.url).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.NOT_ASKED, ErrorClass.TEMPORARY)


@pytest.mark.parametrize(
    "answer", [say(404, REJECTED), say(404), say_json(404, {"statusCode": 404, "message": "Resource not found"})]
)
def test_ask_wrong_path_is_no_proof_that_nothing_was_taken(misbehaving: RawServer, answer: RawAnswer) -> None:
    misbehaving.answers["*"] = [answer]

    outcome = make_client(misbehaving.url).ask(uuid4())

    assert (outcome.answer, outcome.error_class) == (Answer.NOT_ASKED, ErrorClass.CONFIGURATION)


def test_calls_carry_the_headers_of_mtn_and_no_other(misbehaving: RawServer) -> None:
    misbehaving.answers[TRANSFER] = [say(202)]
    transfer = make_transfer()

    make_client(misbehaving.url, momo_user_agent="Starhash/9").send(transfer)

    token_call, transfer_call = misbehaving.seen
    common = {
        "host": misbehaving.url.removeprefix("http://"),
        "user-agent": "Starhash/9",
        "accept": "application/json",
        "accept-encoding": "identity",
        "ocp-apim-subscription-key": "sandbox-subscription-key",
        "x-target-environment": "mtnrwanda",
    }
    assert token_call.body == b""
    assert token_call.headers == common | {
        "authorization": "Basic MTExMTExMTEtMTExMS00MTExLTgxMTEtMTExMTExMTExMTExOnNhbmRib3gtYXBpLWtleQ==",
        "content-length": "0",
    }
    assert transfer_call.headers == common | {
        "authorization": "Bearer a-token",
        "x-reference-id": str(transfer.reference),
        "content-type": "application/json",
        "content-length": str(len(transfer_call.body)),
    }


def test_cookies_of_the_provider_are_not_sent_back(misbehaving: RawServer) -> None:
    misbehaving.answers["*"] = [say(404, headers=["Set-Cookie: a=b"])]
    client = make_client(misbehaving.url)

    client.ask(uuid4())
    client.ask(uuid4())

    assert [call.headers.get("cookie") for call in misbehaving.seen] == [None, None, None]


def test_renewed_token_repeats_the_very_same_request(misbehaving: RawServer) -> None:
    misbehaving.answers["/disbursement/token/"] = [say_token("old"), say_token("new")]
    misbehaving.answers[TRANSFER] = [say_json(401, {"error": "invalid_token"}), say(202)]

    outcome = make_client(misbehaving.url).send(make_transfer())

    assert outcome.answer is Answer.ACCEPTED
    _token, first, _renewal, second = misbehaving.seen
    assert (first.headers["authorization"], second.headers["authorization"]) == ("Bearer old", "Bearer new")
    assert first.headers["x-reference-id"] == second.headers["x-reference-id"]
    assert first.body == second.body


@pytest.mark.parametrize("after", [hang_up, say(500)])
def test_unclear_answer_after_a_renewal_is_unknown(misbehaving: RawServer, after: RawAnswer) -> None:
    misbehaving.answers["/disbursement/token/"] = [say_token("old"), say_token("new")]
    misbehaving.answers[TRANSFER] = [say(401), after]

    assert make_client(misbehaving.url).send(make_transfer()).answer is Answer.UNKNOWN


def test_secrets_stay_out_of_logs_errors_and_reprs(
    misbehaving: RawServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    misbehaving.answers["/disbursement/token/"] = [say_token("the-token-value")]
    misbehaving.answers["*"] = [hang_up]
    client = make_client(misbehaving.url)
    caplog.set_level("DEBUG")

    outcomes: list[object] = [client.send(make_transfer()), client.ask(uuid4()), client.balance("RWF")]

    said = "\n".join([repr(client), repr(outcomes), caplog.text, *capsys.readouterr()])
    for secret in ("the-token-value", "sandbox-api-key", "sandbox-subscription-key", "Basic "):
        assert secret not in said


def test_time_limit_is_for_the_whole_answer_not_for_each_pause(misbehaving: RawServer) -> None:
    answer: Callable[..., RawAnswer] = drip
    misbehaving.answers[TRANSFER] = [answer(b"HTTP/1.1 202 Accepted\r\n" * 50, pause=0.05)]
    sign_in(misbehaving.url)
    started = time.monotonic()

    outcome = make_client(misbehaving.url, limit=QUICK).send(make_transfer())

    assert time.monotonic() - started < LONG
    assert outcome.answer in {Answer.UNKNOWN, Answer.ACCEPTED}
