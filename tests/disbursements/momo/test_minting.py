"""Getting a token from MTN, and doing without (mobile money notes A3)."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from disbursements.providers.base import Answer
from disbursements.statuses import ErrorClass
from tests.disbursements.momo.conftest import TRANSFER, make_client, make_transfer
from tests.disbursements.momo.raw_server import (
    Answer as RawAnswer,
)
from tests.disbursements.momo.raw_server import (
    RawServer,
    hang_up,
    say,
    say_json,
    say_token,
)
from tests.support.sandbox_process import SandboxProcess

TOKEN = "/disbursement/token/"


def test_token_is_minted_once_for_all_kinds_of_calls(misbehaving: RawServer) -> None:
    misbehaving.answers["*"] = [say(404)]
    transfer = make_transfer()

    make_client(misbehaving.url).send(transfer)
    make_client(misbehaving.url).ask(transfer.reference)
    make_client(misbehaving.url).balance("RWF")

    assert misbehaving.paths() == [
        f"POST {TOKEN}",
        f"POST {TRANSFER}",
        f"GET {TRANSFER}/{transfer.reference}",
        "GET /disbursement/v1_0/account/balance",
    ]


@pytest.mark.parametrize(
    ("wrong", "http_status", "code"),
    [
        ({"momo_api_user": "22222222-2222-4222-8222-222222222222"}, 401, "invalid_client"),
        ({"momo_api_key": "wrong"}, 401, "login_failed"),
        ({"momo_subscription_key": "wrong"}, 401, "HTTP_401"),
        ({"momo_subscription_key": "sandbox-collection-key"}, 401, "HTTP_401"),
        ({"momo_api_user": ""}, None, "CREDENTIALS_MISSING"),
        ({"momo_api_key": ""}, None, "CREDENTIALS_MISSING"),
        ({"momo_subscription_key": ""}, None, "CREDENTIALS_MISSING"),
    ],
)
def test_wrong_credentials_send_nothing_and_need_a_person(
    sandbox: SandboxProcess, wrong: dict[str, str], http_status: int | None, code: str
) -> None:
    outcome = make_client(sandbox.url, **wrong).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.NOT_ASKED, ErrorClass.CONFIGURATION)
    assert (outcome.http_status, outcome.code) == (http_status, code)
    assert sandbox.transfers() == []


def test_changed_credentials_do_not_use_the_token_of_the_old_ones(sandbox: SandboxProcess) -> None:
    make_client(sandbox.url).calls.tokens.current()

    outcome = make_client(sandbox.url, momo_api_key="wrong").ask(uuid4())

    assert (outcome.answer, outcome.code) == (Answer.NOT_ASKED, "login_failed")


@pytest.fixture
def new_platform() -> Iterator[SandboxProcess]:
    with SandboxProcess(new_platform=True) as process:
        yield process


def test_new_platform_gets_its_environment_and_user_agent(new_platform: SandboxProcess) -> None:
    assert make_client(new_platform.url).send(make_transfer()).answer is Answer.ACCEPTED


@pytest.mark.parametrize(
    ("answer", "code", "error_class"),
    [
        (say(200, "<html>Request Rejected</html>"), "TOKEN_UNREADABLE", ErrorClass.CONFIGURATION),
        (say_json(200, {"token_type": "access_token"}), "TOKEN_UNREADABLE", ErrorClass.CONFIGURATION),
        (say_token(""), "TOKEN_UNREADABLE", ErrorClass.CONFIGURATION),
        (say_token("a\r\nX-Evil: 1"), "TOKEN_UNREADABLE", ErrorClass.CONFIGURATION),
        (say_token("a" * 9000), "TOKEN_UNREADABLE", ErrorClass.CONFIGURATION),
        (say(200, b"x" * 70_000), "TOKEN_UNREADABLE", ErrorClass.TEMPORARY),
        (say_json(400, {"error": "Invalid or missing X-Target-Environment header"}), None, ErrorClass.CONFIGURATION),
        (say(411, "<html>Length Required</html>"), "HTTP_411", ErrorClass.CONFIGURATION),
        (say(429), "HTTP_429", ErrorClass.TEMPORARY),
        (say(500), "HTTP_500", ErrorClass.TEMPORARY),
        (say_json(503, {"code": "SERVICE_UNAVAILABLE"}), "SERVICE_UNAVAILABLE", ErrorClass.TEMPORARY),
        (hang_up, "CONNECTION_LOST", ErrorClass.TEMPORARY),
    ],
)
def test_token_that_cannot_be_had_sends_nothing(
    misbehaving: RawServer, answer: RawAnswer, code: str | None, error_class: ErrorClass
) -> None:
    misbehaving.answers[TOKEN] = [answer]

    outcome = make_client(misbehaving.url).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.NOT_ASKED, error_class)
    assert outcome.code == (code or "Invalid or missing X-Target-Environment header")
    assert misbehaving.paths() == [f"POST {TOKEN}"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(3600, 3600), ("3599", 3599), (None, 300), ("soon", 300), (-1, 300), (0, 300), (10**400, 300), (1e9, 86_400)],
)
def test_token_life_is_read_leniently(misbehaving: RawServer, said: object, seconds: float) -> None:
    misbehaving.answers[TOKEN] = [say_token(seconds=said)]
    misbehaving.answers[TRANSFER] = [say(202)]
    client = make_client(misbehaving.url)
    before = time.time()

    client.send(make_transfer())

    token = client.calls.tokens._read()
    assert token is not None
    assert before + seconds <= token.expires_at <= time.time() + seconds
