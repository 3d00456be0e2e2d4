"""Asking what became of a reference, against the sandbox (mobile money notes A5, A6, A10)."""

from decimal import Decimal
from uuid import uuid4

import pytest

from disbursements.providers.base import Answer, Outcome
from disbursements.statuses import ErrorClass
from tests.disbursements.momo.conftest import make_client, make_transfer, sign_in
from tests.support.ports import closed_port
from tests.support.sandbox_process import SandboxProcess


def ask_until_settled(sandbox: SandboxProcess, payee: str = "+250788123456") -> Outcome:
    """Send to `payee` and ask until the answer is not PENDING."""
    client, transfer = make_client(sandbox.url), make_transfer(payee=payee)
    assert client.send(transfer).answer is Answer.ACCEPTED
    return sandbox.wait_until(lambda: next_final(client.ask(transfer.reference)))


def next_final(outcome: Outcome) -> Outcome | None:
    return None if outcome.answer is Answer.PENDING else outcome


def test_ask_paid_tells_what_was_paid(sandbox: SandboxProcess) -> None:
    outcome = ask_until_settled(sandbox)

    assert (outcome.answer, outcome.error_class, outcome.code) == (Answer.PAID, None, "")
    assert (outcome.amount, outcome.currency, outcome.payee) == (Decimal(5000), "RWF", "+250788123456")
    assert outcome.transaction_id != ""
    assert outcome.raw["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("shape", ["string", "object"])
def test_ask_refused_reads_reason_in_both_shapes(sandbox: SandboxProcess, shape: str) -> None:
    sandbox.behaviour(reasonAs=shape)
    sandbox.faults("refuse", reason="PAYEE_NOT_ALLOWED_TO_RECEIVE", times=1)

    outcome = ask_until_settled(sandbox)

    assert (outcome.answer, outcome.error_class) == (Answer.REFUSED, ErrorClass.PERMANENT)
    assert (outcome.code, outcome.transaction_id) == ("PAYEE_NOT_ALLOWED_TO_RECEIVE", "")


def test_ask_refused_for_float_when_float_is_short(sandbox: SandboxProcess) -> None:
    sandbox.set_float(10, "RWF")

    outcome = ask_until_settled(sandbox)

    assert (outcome.answer, outcome.error_class) == (Answer.REFUSED, ErrorClass.FLOAT)
    assert outcome.code == "NOT_ENOUGH_FUNDS"


@pytest.mark.parametrize(
    ("number", "code", "error_class"),
    [
        ("46733123450", "INTERNAL_PROCESSING_ERROR", ErrorClass.TEMPORARY),
        ("46733123451", "APPROVAL_REJECTED", ErrorClass.PERMANENT),
        ("46733123452", "EXPIRED", ErrorClass.TEMPORARY),
        ("46733123454", "PAYER_DELAYED", ErrorClass.TEMPORARY),
        ("46733123455", "COULD_NOT_PERFORM_TRANSACTION", ErrorClass.TEMPORARY),
        ("46733123456", "COULD_NOT_PERFORM_TRANSACTION", ErrorClass.TEMPORARY),
        ("46733123457", "PAYER_NOT_FOUND", ErrorClass.CONFIGURATION),
        ("46733123458", "NOT_ALLOWED", ErrorClass.CONFIGURATION),
        ("46733123459", "NOT_ALLOWED_TARGET_ENVIRONMENT", ErrorClass.CONFIGURATION),
        ("46733123460", "INVALID_CALLBACK_URL_HOST", ErrorClass.CONFIGURATION),
        ("46733123461", "INVALID_CURRENCY", ErrorClass.CONFIGURATION),
        ("46733123462", "INTERNAL_PROCESSING_ERROR", ErrorClass.TEMPORARY),
        ("46733123463", "SERVICE_UNAVAILABLE", ErrorClass.TEMPORARY),
        ("46733123464", "TRANSFER_TYPE_UNKNOWN", ErrorClass.CONFIGURATION),
    ],
)
def test_ask_scenario_number_is_refused_for_its_reason(
    sandbox: SandboxProcess, number: str, code: str, error_class: ErrorClass
) -> None:
    outcome = ask_until_settled(sandbox, f"+{number}")

    assert (outcome.answer, outcome.code, outcome.error_class) == (Answer.REFUSED, code, error_class)


def test_ask_ongoing_number_is_pending_until_it_is_paid(sandbox: SandboxProcess) -> None:
    client, transfer = make_client(sandbox.url), make_transfer(payee="+46733123453")
    client.send(transfer)

    before = client.ask(transfer.reference)
    sandbox.settle(str(transfer.reference))
    after = sandbox.wait_until(lambda: next_final(client.ask(transfer.reference)))

    assert (before.answer, before.error_class) == (Answer.PENDING, None)
    assert after.answer is Answer.PAID


def test_ask_number_without_wallet_is_refused_for_good(sandbox: SandboxProcess) -> None:
    outcome = ask_until_settled(sandbox, "+254712345678")

    assert (outcome.answer, outcome.code, outcome.error_class) == (
        Answer.REFUSED,
        "PAYEE_NOT_FOUND",
        ErrorClass.PERMANENT,
    )


def test_ask_unknown_reference_is_not_found(sandbox: SandboxProcess) -> None:
    outcome = make_client(sandbox.url).ask(uuid4())

    assert (outcome.answer, outcome.code, outcome.http_status) == (Answer.NOT_FOUND, "RESOURCE_NOT_FOUND", 404)


def test_ask_a_moment_after_sending_may_not_find_it_yet(sandbox: SandboxProcess) -> None:
    sandbox.behaviour(lookupLagMs=600_000)
    client, transfer = make_client(sandbox.url), make_transfer()
    client.send(transfer)

    first = client.ask(transfer.reference)
    sandbox.behaviour(lookupLagMs=0)
    later = sandbox.wait_until(lambda: found(client.ask(transfer.reference)))

    assert first.answer is Answer.NOT_FOUND
    assert later.answer is Answer.PAID


def found(outcome: Outcome) -> Outcome | None:
    return None if outcome.answer is Answer.NOT_FOUND else outcome


def test_ask_in_another_environment_does_not_find_it(sandbox: SandboxProcess) -> None:
    transfer = make_transfer()
    make_client(sandbox.url).send(transfer)

    outcome = make_client(sandbox.url, momo_target_environment="mtnuganda").ask(transfer.reference)

    assert outcome.answer is Answer.NOT_FOUND


@pytest.mark.parametrize(
    ("mode", "http_status", "code"),
    [
        ("timeout_before_accept", None, "TIME_OUT"),
        ("http_500_before_accept", 500, "INTERNAL_PROCESSING_ERROR"),
        ("http_503", 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_ask_without_clear_answer_is_unknown(
    sandbox: SandboxProcess, mode: str, http_status: int | None, code: str
) -> None:
    sign_in(sandbox.url)
    # Silence is waited for as long as that, and it never ends by itself.
    client = make_client(sandbox.url, momo_read_timeout_seconds=3 if http_status is None else 30)
    sandbox.faults(mode, times=1, delayMs=600_000, on="status")

    outcome = client.ask(uuid4())

    assert (outcome.answer, outcome.error_class) == (Answer.UNKNOWN, ErrorClass.TEMPORARY)
    assert (outcome.http_status, outcome.code) == (http_status, code)


def test_ask_too_often_is_not_asked(sandbox: SandboxProcess) -> None:
    sandbox.behaviour(statusRate=1)
    client = make_client(sandbox.url)

    outcomes: list[Outcome] = []
    # One a second is let through; a slow machine needs more tries to be too quick.
    while len(limited := [outcome for outcome in outcomes if outcome.http_status == 429]) < 2 and len(outcomes) < 100:
        outcomes.append(client.ask(uuid4()))

    assert len(limited) == 2
    assert {outcome.answer for outcome in limited} == {Answer.NOT_ASKED}
    assert {outcome.error_class for outcome in limited} == {ErrorClass.TEMPORARY}


def test_ask_with_revoked_token_renews_once(sandbox: SandboxProcess) -> None:
    client = make_client(sandbox.url)
    client.calls.tokens.current()
    sandbox.faults("token_expired", times=1, on="status")

    assert client.ask(uuid4()).answer is Answer.NOT_FOUND


def test_ask_without_connection_is_not_asked() -> None:
    outcome = make_client(f"http://127.0.0.1:{closed_port()}").ask(uuid4())

    assert outcome == Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY, "CONNECTION_FAILED")
