"""A worker killed at every step of a payout, under every fault: the book shows exactly one transfer per paid payout.

The worker is a forked process that dies by SIGKILL, so nothing is cleaned up, closed or rolled back by our code.
What goes on afterwards is what the beat would do: sweeps, and workers that take what they find.
"""

import os
import signal
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import pytest
from django.db import connections

from audit.models import AuditEvent
from disbursements import tasks
from disbursements.models import Disbursement
from disbursements.providers.registry import provider_for
from disbursements.services import advance, asking, sending, settlement
from disbursements.services.sweeps import sweep_due_disbursements
from outbound import exchange as transport
from tests.disbursements.conftest import Line
from tests.disbursements.sandbox_flow import drive, paid
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SENDING = {
    "claim": (advance, "claim_disbursement"),
    "store_attempt_uncommitted": (sending, "_create_attempt"),
    "store_attempt": (advance, "open_attempt"),
    "send": (advance, "send_attempt"),
    "write_down_send_uncommitted": (sending, "_look_again"),
    "write_down_send": (advance, "record_send"),
}
ASKING = {
    "ask": (advance, "ask_attempt"),
    "move_attempt_uncommitted": (settlement, "move_attempt"),
    "move_payout_uncommitted": (settlement, "move"),
    "post_uncommitted": (settlement, "settle_money"),
    "settle": (asking, "settle_paid"),
    "write_down_ask": (advance, "record_ask"),
}
RESENDING = {"count_send": (advance, "reopen_attempt")}
# Bytes of the request have left, nothing of the answer was read: token calls, transfers and questions alike.
ON_THE_WIRE = {"read_answer": (transport._Watched, "getresponse")}
STEPS = {**SENDING, **ASKING, **RESENDING, **ON_THE_WIRE}

FAULTS = {
    "none": {},
    "timeout_before_accept": {"delayMs": 20},
    "timeout_after_accept": {"delayMs": 20},
    "http_500_before_accept": {},
    "http_500_after_accept": {},
    "http_503": {},
    "token_expired": {},
    "refuse": {"reason": "EXPIRED"},
}


def die_around(step: str, moment: str, *, times_before: int = 0) -> None:
    """In the process that is to die: SIGKILL just before or after this step, once it has run so often."""
    owner, name = STEPS[step]
    original = getattr(owner, name)
    runs = 0

    @wraps(original)
    def doomed(*args: Any, **kwargs: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs > times_before and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if runs > times_before and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, doomed)


def in_worker_that_dies(line: Line, arm: Callable[[], None]) -> bool:
    """Let a worker go on with the payout until it dies; whether it did.

    It has a token already: who dies while minting one keeps others waiting until its lock falls.
    """
    provider_for("mtn_momo").balance("RWF")
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            arm()
            drive(line)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def recover(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps and workers, until the payout is settled. No message of the dead worker is used."""
    handed_over: list[str] = []
    monkeypatch.setattr(
        tasks.advance, "apply_async", lambda *, kwargs, **_options: handed_over.append(kwargs["disbursement_id"])
    )
    for _ in range(60):
        row = line.row
        if row.status in ("completed", "failed"):
            return
        line.at = max(line.at, row.next_action_at)
        handed_over.clear()
        assert sweep_due_disbursements(at=line.at) == 1
        assert handed_over == [str(line.id)]
        advance.advance_disbursement(disbursement_id=line.id, at=line.at)
    raise AssertionError(f"not settled: {line.row.status} {line.row.error_code} {line.attempts}")


def assert_paid_exactly_once(line: Line, sandbox: SandboxProcess) -> None:
    """One transfer in the book, one audit event, and the attempt that was paid is the one in the book."""
    assert line.row.status == "completed"
    (transfer,) = paid(sandbox)
    assert transfer["referenceId"] == str(line.attempt.pk)
    assert transfer["amount"] == line.row.amount
    assert AuditEvent.objects.filter(target_id=str(line.id), action="disbursement.paid").count() == 1
    # Every other reference in the book was refused for certain before the next was made.
    assert len(sandbox.transfers()) <= len(line.attempts)
    assert [attempt.status for attempt in line.attempts[:-1]] == ["refused"] * (len(line.attempts) - 1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_worker_pays_exactly_once(
    flow: Line,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    moment: str,
    fault: str,
) -> None:
    sandbox.faults(fault, times=1, **FAULTS[fault]) if fault != "none" else None

    died = in_worker_that_dies(flow, lambda: die_around(step, moment))
    recover(flow, monkeypatch)

    assert died or step in RESENDING
    assert_paid_exactly_once(flow, sandbox)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fault", ["timeout_before_accept", "http_500_before_accept", "http_503"])
def test_killed_around_sending_again_pays_exactly_once(
    flow: Line,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    fault: str,
) -> None:
    sandbox.faults(fault, times=1, **FAULTS[fault])

    assert in_worker_that_dies(flow, lambda: die_around("count_send", moment))
    recover(flow, monkeypatch)

    assert_paid_exactly_once(flow, sandbox)
    assert len(flow.attempts) == 1


@pytest.mark.parametrize("deaths", range(1, 7))
def test_workers_killed_on_the_wire_again_and_again_pay_exactly_once(
    flow: Line,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    deaths: int,
) -> None:
    """Each worker gets one call further than the one before it and dies with its answer unread."""
    for calls in range(deaths):
        in_worker_that_dies(flow, lambda calls=calls: die_around("read_answer", "before", times_before=calls))
        flow.at = max(flow.at, flow.row.next_action_at or flow.at)
    recover(flow, monkeypatch)

    assert_paid_exactly_once(flow, sandbox)


def test_control_minting_a_reference_after_silence_pays_twice(
    flow: Line,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The matrix can see a double payment: take out the rule that silence is asked about, and there is one."""
    sandbox.faults("timeout_after_accept", times=1, delayMs=20)
    record = advance.record_send

    def forget(*, attempt: Any, outcome: Any, balance: Any, at: datetime) -> None:
        record(attempt=attempt, outcome=outcome, balance=balance, at=at)
        # What a naive retry does: treat silence as a failure and start again.
        type(attempt).objects.filter(pk=attempt.pk, status="unknown").update(status="refused")
        Disbursement.objects.filter(pk=attempt.disbursement_id).update(status="queued")

    monkeypatch.setattr(advance, "record_send", forget)
    flow.go()
    monkeypatch.setattr(advance, "record_send", record)
    drive(flow)

    assert len(paid(sandbox)) == 2
