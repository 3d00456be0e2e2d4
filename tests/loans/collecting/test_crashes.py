"""A worker killed at every step of a request to pay, under faults: the customer is charged exactly once.

The worker is a forked process that dies by SIGKILL. What goes on afterwards is what the beat would do.
"""

import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from django.db import connections

from loans import tasks
from loans.collecting import build_client
from loans.models import CollectionRequest
from loans.services import collection_asking, collection_sending, collection_settling, collections
from loans.services.collection_sweeps import sweep_due_collections
from tests.loans.collecting.conftest import Asking, assert_charged_once, paid
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STEPS = {
    "claim": (collections, "claim_collection"),
    "count_send_uncommitted": (collection_sending, "lock_collection"),
    "count_send": (collections, "count_send"),
    "send": (collections, "send_request"),
    "write_down_send_uncommitted": (collection_sending, "nudge_when_due"),
    "write_down_send": (collections, "record_send"),
    "ask": (collections, "ask_provider"),
    "book_uncommitted": (collection_settling, "record_repayment"),
    "settle": (collection_asking, "settle_paid"),
    "write_down_ask": (collections, "record_ask"),
}
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "timeout_after_accept": {"delayMs": 20},
    "http_500_before_accept": {},
}


def die_around(step: str, moment: str) -> None:
    """In the process that is to die: SIGKILL just before or after this step."""
    owner, name = STEPS[step]
    original = getattr(owner, name)

    @wraps(original)
    def doomed(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, doomed)


def in_worker_that_dies(asking: Asking, arm: Callable[[], None], chosen: Any) -> bool:
    """Let a worker go on with the request until it dies; whether it did.

    It has a token already: who dies while minting one keeps others waiting until its lock falls.
    """
    build_client(chosen).balance("NGN")
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            arm()
            asking.drive()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def recover(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps and workers, until the request has ended. No message of the dead worker is used."""
    handed_over: list[str] = []
    monkeypatch.setattr(
        tasks.advance_collection,
        "apply_async",
        lambda *, kwargs, **_options: handed_over.append(kwargs["collection_id"]),
    )
    for _ in range(60):
        row = asking.row
        if row.finished_at:
            return
        assert row.next_action_at is not None
        asking.at = max(asking.at, row.next_action_at)
        handed_over.clear()
        assert sweep_due_collections(at=asking.at) == 1
        assert handed_over == [str(asking.id)]
        collections.advance_collection(collection_id=asking.id, at=asking.at)
    raise AssertionError(f"not settled: {asking.row.status} {asking.row.error_code}")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_worker_charges_exactly_once(
    asking: Asking,
    sandbox: SandboxProcess,
    set_up: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    moment: str,
    fault: str,
) -> None:
    if fault != "none":
        sandbox.collection_faults(fault, times=1, **FAULTS[fault])

    assert in_worker_that_dies(asking, lambda: die_around(step, moment), set_up())
    recover(asking, monkeypatch)

    assert_charged_once(asking, sandbox)


def test_control_a_new_reference_after_silence_charges_twice(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    """The matrix can see a double charge: let a retry make a new request after silence, and there is one."""
    sandbox.collection_faults("timeout_after_accept", times=1, delayMs=20)
    asking.go()
    first = asking.row
    assert first.status == "queued"

    # What a naive retry does.
    client = build_client(set_up())
    retry = CollectionRequest(loan=first.loan, phone=first.phone, amount=first.amount, currency="NGN")
    collection_sending.send_request(collection=retry, client=client)
    asking.drive()

    sandbox.wait_until(lambda: len(paid(sandbox)) == 2)
