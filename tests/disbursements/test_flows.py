"""Payouts over real HTTP, against a sandbox that refuses what MTN refuses and keeps a book of what it really paid."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from accounts.models import User
from disbursements.services.callbacks import process_callback
from disbursements.services.decisions import retry_disbursement
from disbursements.services.floats import check_provider_balances
from ledger.models import Account
from tests.disbursements.conftest import CREDENTIALS, Line, RememberingOwner, assert_invariants, request_payout
from tests.disbursements.sandbox_flow import drive, paid
from tests.disbursements.test_callbacks import call_back
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_payout_is_paid_once_and_matches_the_book(flow: Line, sandbox: SandboxProcess, owner: RememberingOwner) -> None:
    drive(flow)

    (transfer,) = sandbox.transfers()
    assert (transfer["referenceId"], transfer["externalId"]) == (str(flow.attempt.pk), f"{flow.id}-1")
    assert (transfer["amount"], transfer["currency"], transfer["partyId"], transfer["status"]) == (
        5000,
        "RWF",
        "250788123456",
        "SUCCESSFUL",
    )
    assert (flow.row.base_url, flow.row.environment) == (sandbox.url, "mtnrwanda")
    assert (flow.row.status, owner.heard, bool(flow.row.provider_transaction_id)) == ("completed", ["paid"], True)


@pytest.mark.parametrize("on", ["transfer", "status"])
@pytest.mark.parametrize(
    "mode",
    [
        "timeout_before_accept",
        "timeout_after_accept",
        "http_500_before_accept",
        "http_500_after_accept",
        "http_503",
        "token_expired",
    ],
)
def test_faults_pay_once_under_one_reference(
    flow: Line, sandbox: SandboxProcess, owner: RememberingOwner, mode: str, on: str
) -> None:
    sandbox.faults(mode, on=on, times=2, delayMs=20)

    drive(flow)

    assert (flow.row.status, owner.heard) == ("completed", ["paid"])
    assert (len(flow.attempts), len(sandbox.transfers()), len(paid(sandbox))) == (1, 1, 1)


def test_silence_is_a_time_out_and_not_a_failure(
    flow: Line, sandbox: SandboxProcess, momo: Callable[..., None]
) -> None:
    sandbox.faults("timeout_after_accept", times=1, delayMs=600_000)

    momo(momo_read_timeout_seconds=3)
    flow.go()
    momo()
    assert (flow.attempt.status, flow.attempt.error_code) == ("unknown", "TIME_OUT")
    drive(flow)

    assert (flow.row.status, len(paid(sandbox))) == ("completed", 1)


@pytest.mark.parametrize(
    ("reason", "status", "error_class", "references"),
    [
        ("PAYEE_NOT_FOUND", "failed", "permanent", 1),
        ("NOT_ALLOWED", "failed", "configuration", 1),
        ("EXPIRED", "failed", "temporary", 4),
    ],
)
def test_refusals_pay_nothing(
    flow: Line, sandbox: SandboxProcess, reason: str, status: str, error_class: str, references: int
) -> None:
    sandbox.faults("refuse", reason=reason)

    drive(flow)

    assert (flow.row.status, flow.row.error_class, flow.row.error_code) == (status, error_class, reason)
    assert (len(flow.attempts), len(sandbox.transfers()), paid(sandbox)) == (references, references, [])


def test_temporary_refusal_is_paid_at_the_next_try(flow: Line, sandbox: SandboxProcess) -> None:
    sandbox.faults("refuse", reason="INTERNAL_PROCESSING_ERROR", times=1)

    drive(flow)

    assert [attempt.status for attempt in flow.attempts] == ["refused", "succeeded"]
    assert (flow.row.status, len(paid(sandbox))) == ("completed", 1)


def test_short_float_waits_and_is_paid_when_topped_up(flow: Line, sandbox: SandboxProcess) -> None:
    sandbox.set_float(4999, "RWF")
    while flow.row.wait_reason != "float_short":
        flow.go()
    for _ in range(3):
        flow.go()
    assert (flow.row.status, flow.row.tries, len(flow.attempts)) == ("queued", 0, 1)

    sandbox.set_float(5000, "RWF")
    check_provider_balances(at=flow.at)
    drive(flow)

    assert (flow.row.status, len(paid(sandbox)), sandbox.float_of("mtnrwanda")) == ("completed", 1, 0)


def test_pending_is_asked_until_the_provider_is_done(flow: Line, sandbox: SandboxProcess) -> None:
    sandbox.faults("stay_pending", times=1)
    for _ in range(4):
        flow.go()
    assert (flow.row.status, flow.attempt.status) == ("processing", "accepted")

    sandbox.settle(str(flow.attempt.pk))
    drive(flow)

    assert (flow.row.status, len(paid(sandbox))) == ("completed", 1)


def test_callback_settles_without_waiting_for_the_poll(
    flow: Line, sandbox: SandboxProcess, owner: RememberingOwner
) -> None:
    flow.go()
    callback = call_back(flow)

    assert process_callback(callback_id=callback.pk, at=flow.at) == "settled"
    assert process_callback(callback_id=callback.pk, at=flow.at) == "settled"

    assert (flow.row.status, owner.heard, len(paid(sandbox))) == ("completed", ["paid"], 1)


def test_wrong_credentials_lose_nothing(flow: Line, sandbox: SandboxProcess, momo: Callable[..., None]) -> None:
    momo(momo_api_key="wrong")
    flow.go()
    assert (flow.row.status, flow.row.alarm, flow.row.tries) == ("queued", "configuration", 0)
    assert sandbox.transfers() == []

    momo()
    drive(flow)

    assert (flow.row.status, len(flow.attempts), len(paid(sandbox))) == ("completed", 1, 1)


def test_wrong_environment_fails_and_a_retry_goes_to_the_right_one_under_the_same_reference(
    flow: Line, sandbox: SandboxProcess, momo: Callable[..., None], checker: User
) -> None:
    momo(momo_target_environment="mtnuganda")
    flow.go()
    assert (flow.row.status, flow.row.error_class, flow.row.alarm) == ("failed", "configuration", "configuration")
    reference = flow.attempt.pk

    momo()
    retry_disbursement(disbursement_id=flow.id, requested_by=checker, reason="environment set", at=flow.at)
    drive(flow)

    assert (flow.row.status, flow.attempt.pk, flow.attempt.environment) == ("completed", reference, "mtnrwanda")
    assert (len(flow.attempts), len(paid(sandbox))) == (1, 1)


def test_provider_that_is_down_keeps_the_queue_and_pays_when_it_is_back(
    budget: Account, now, owner: RememberingOwner, configure: Callable[..., object]
) -> None:
    with SandboxProcess(settle_ms=0) as sandbox:
        configure(momo_base_url=sandbox.url, **CREDENTIALS)
        line = Line(request_payout(budget, now), now)
        sandbox.stop()
        line.go()
        line.go()
        assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "provider_paused", 0)

        sandbox.start()
        drive(line)

        assert (line.row.status, len(line.attempts), len(paid(sandbox))) == ("completed", 1, 1)
        assert line.row.amount == Decimal(sandbox.transfers()[0]["amount"])
    assert_invariants()
