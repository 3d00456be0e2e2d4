"""Workers killed at every step of a payout, under every fault: the book shows one transfer for each paid payout.

A worker is a process that dies by SIGKILL. What goes on afterwards is what beat would do: another worker, sweeps, time.
Nobody repairs anything.
"""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.services.decisions import retry_disbursement
from promos.models import Batch
from tests.crash.faults import FAULTS, FULL_FLOAT, Fault
from tests.crash.payouts import AMOUNT, assert_invariants, await_callbacks, configure, paid_once, redeem_one
from tests.crash.workers import Workers
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

MINUTES, HOURS = timedelta(minutes=10), timedelta(hours=6)


def prepare(fault: Fault, *, at: datetime) -> None:
    # The callback comes before the poll, or long after it.
    polls = {"poll_delays_seconds": (120,)} if fault.callback_comes_first else {}
    # A whole matrix of silence would open the breaker, which has tests of its own.
    configure(at, momo_callbacks_enabled=fault.callbacks, breaker_failures=1000, **polls)


@pytest.mark.parametrize("name", FAULTS)
def test_killed_workers_pay_once(
    name: str, batch: Batch, keeper: User, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    fault = FAULTS[name]
    prepare(fault, at=now)
    payouts, latest = {}, now
    for number, step in enumerate(fault.steps, start=1):
        payouts[step] = redeem_one(batch, number, at=now)
        fault.strike(sandbox)
        life = workers.work(
            at=now, for_=MINUTES, only=payouts[step].id, fatal=step, await_callbacks=fault.callback_comes_first
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

    stories = {step: payout.story(sandbox) for step, payout in payouts.items()}
    assert {step: story for step, story in stories.items() if not paid_once(story)} == {}
    assert FULL_FLOAT - sandbox.float_of("mtnrwanda") == len(payouts) * AMOUNT
    assert_invariants()


@pytest.mark.parametrize("name", FAULTS)
def test_these_are_all_the_steps(
    name: str, batch: Batch, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    """What a worker passes that is left alone: the matrix kills at each of them and at no other."""
    fault = FAULTS[name]
    prepare(fault, at=now)
    payout = redeem_one(batch, 1, at=now)
    fault.strike(sandbox)

    life = workers.work(at=now, for_=MINUTES, only=payout.id, await_callbacks=fault.callback_comes_first)

    assert set(life.steps) - {"done"} == set(fault.steps)
    await_callbacks(sandbox)
    assert payout.row.status == fault.ends


def test_control_taking_silence_for_failure_pays_twice(
    batch: Batch, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    """The matrix can see a double payment: with the rule taken out that silence is asked about, there is one."""
    configure(now)
    payout = redeem_one(batch, 1, at=now)

    # Killed with the answer in hand, so that the first transfer is in the book for certain.
    killed = workers.work(at=now, for_=MINUTES, fatal="transfer_answered")
    workers.work(at=killed.at, for_=HOURS, naive=True)

    story = payout.story(sandbox)
    assert (story.payout, story.book) == ("completed", ["SUCCESSFUL", "SUCCESSFUL"])
    assert not paid_once(story)
