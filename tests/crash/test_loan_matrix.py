"""Workers killed at every step of a loan's payout, under every fault: one loan, one transfer of what it pays out.

As `test_matrix` for redeemed codes: by SIGKILL, and nobody repairs anything but staff who retry what failed. The engine
is the same, so every day only faults that end differently for a loan are met; with `CRASH_PROFILE=long` all are.
"""

import os
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.services.decisions import retry_disbursement
from tests.crash.faults import FULL_FLOAT, LOAN_FAULTS, Fault
from tests.crash.loans import DISBURSED, books, books_after, borrow_one, configure_lending, lent_once
from tests.crash.payouts import assert_invariants, await_callbacks
from tests.crash.workers import Workers
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

EVERY_DAY = [
    "none",
    "timeout_before_accept",
    "timeout_after_accept",
    "callback_as_it_should",
    "stay_pending",
    "refuse_for_now",
    "refuse_for_good",
    "float_short",
]
FAULTS_MET = list(LOAN_FAULTS) if os.environ.get("CRASH_PROFILE") == "long" else EVERY_DAY
MINUTES, HOURS = timedelta(minutes=10), timedelta(hours=6)


def prepare(fault: Fault, *, at: datetime) -> None:
    """As for codes: callbacks before the poll or after it, and a breaker that does not open."""
    polls = {"poll_delays_seconds": (120,)} if fault.callback_comes_first else {}
    configure_lending(at, callbacks=fault.callbacks, breaker_failures=1000, **polls)


@pytest.mark.parametrize("name", FAULTS_MET)
def test_killed_workers_pay_a_loan_once(
    name: str, keeper: User, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    fault = LOAN_FAULTS[name]
    prepare(fault, at=now)
    loans, latest = {}, now
    for number, step in enumerate(fault.steps, start=1):
        loans[step] = borrow_one(number, at=now)
        fault.strike(sandbox)
        life = workers.work(
            at=now, for_=MINUTES, only=loans[step].payout_id, fatal=step, await_callbacks=fault.callback_comes_first
        )
        assert (life.killed, life.steps[-1:]) == (True, [step])
        latest = max(latest, life.at)

    # The fault meets whoever takes over as well, then it is gone.
    fault.strike(sandbox)
    life = workers.work(at=latest, for_=MINUTES)
    fault.mend(sandbox)
    await_callbacks(sandbox)
    life = workers.work(at=life.at, for_=HOURS)
    for failed in Disbursement.objects.filter(status="failed"):
        retry_disbursement(disbursement_id=failed.pk, requested_by=keeper, reason="Well again", at=life.at)
    workers.work(at=life.at, for_=HOURS)

    stories = {step: loan.story(sandbox) for step, loan in loans.items()}
    assert {step: story for step, story in stories.items() if not lent_once(story)} == {}
    assert FULL_FLOAT - sandbox.float_of("mtnnigeria") == len(loans) * DISBURSED
    assert books() == books_after(len(loans))
    assert_invariants()


@pytest.mark.parametrize("name", FAULTS_MET)
def test_these_are_all_the_steps_of_a_loan(name: str, now: datetime, workers: Workers, sandbox: SandboxProcess) -> None:
    """What a worker passes that is left alone: the matrix kills at each of them and at no other."""
    fault = LOAN_FAULTS[name]
    prepare(fault, at=now)
    loan = borrow_one(1, at=now)
    fault.strike(sandbox)

    life = workers.work(at=now, for_=MINUTES, only=loan.payout_id, await_callbacks=fault.callback_comes_first)

    assert set(life.steps) - {"done"} == set(fault.steps)
    await_callbacks(sandbox)
    assert loan.payout.status == fault.ends


def test_control_taking_silence_for_failure_pays_a_loan_twice(
    now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    """The matrix can see it: with the rule taken out that silence is asked about, the customer gets 18,000."""
    configure_lending(now)
    loan = borrow_one(1, at=now)

    # Killed with the answer in hand, so that the first transfer is in the book for certain.
    killed = workers.work(at=now, for_=MINUTES, fatal="transfer_answered")
    workers.work(at=killed.at, for_=HOURS, naive=True)

    story = loan.story(sandbox)
    assert (story.payouts, story.book) == (["completed"], [("SUCCESSFUL", DISBURSED)] * 2)
    assert not lent_once(story)
