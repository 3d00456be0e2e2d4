"""Callback and poll at once, callback and staff entry at once: whoever comes first books, the other changes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from loans.models import CollectionRequest, Repayment
from loans.services import collection_settling
from loans.services.collections import advance_collection
from tests.loans.books import broken, repay
from tests.loans.collecting.conftest import Asking, assert_charged_once, paid
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def meeting_before_booking(monkeypatch: pytest.MonkeyPatch, *, lock: bool) -> Iterator[list[bool]]:
    """Two workers meet after the provider's word and before the booking. Without `lock`, the rows are read, not locked,
    and they meet again after that.
    """
    settle, results = collection_settling.settle_paid, []
    before, within = threading.Barrier(2), threading.Barrier(2)

    def meet(**kwargs: Any) -> bool:
        before.wait(timeout=20)
        booked = settle(**kwargs)
        results.append(booked)
        return booked

    monkeypatch.setattr("loans.services.collection_asking.settle_paid", meet)
    if not lock:

        def read(collection_id: UUID) -> Any:
            row = CollectionRequest.objects.select_related("loan").get(pk=collection_id)
            within.wait(timeout=20)
            return row

        monkeypatch.setattr(collection_settling, "lock_collection", read)
        monkeypatch.setattr(collection_settling, "lock_profile", lambda customer_id: None)
        monkeypatch.setattr(collection_settling, "lock_loan", lambda loan_id: None)
    yield results


def run_both(asking: Asking) -> None:
    """A poll and a callback's look at the same time; the claim is taken from both, as if it had lapsed."""
    errors: list[BaseException] = []

    def look() -> None:
        try:
            CollectionRequest.objects.filter(pk=asking.id).update(next_action_at=asking.at, claimed_until=None)
            advance_collection(collection_id=asking.id, at=asking.at)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    first, second = threading.Thread(target=look), threading.Thread(target=look)
    first.start()
    while first.is_alive() and not CollectionRequest.objects.filter(claimed_until__isnull=False).exists():
        time.sleep(0.01)
    second.start()
    first.join()
    second.join()
    assert errors == []


def test_callback_and_poll_at_once_book_once(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.go()
    sandbox.wait_until(lambda: paid(sandbox))

    with meeting_before_booking(monkeypatch, lock=True) as results:
        run_both(asking)

    assert sorted(results) == [False, True]
    assert_charged_once(asking, sandbox)


def test_control_without_the_locks_both_think_they_booked(
    careless: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is real: with the locks taken out both go through the booking. The reference's own uniqueness still
    keeps the money single; the audit trail would tell of two payments.
    """
    careless.go()
    sandbox.wait_until(lambda: paid(sandbox))

    with meeting_before_booking(monkeypatch, lock=False) as results:
        run_both(careless)

    assert results == [True, True]
    assert careless.events.count("paid") == 2
    assert Repayment.objects.count() == 1
    monkeypatch.undo()
    assert broken() == {"loans.collections_audit_events"}


@pytest.mark.parametrize("first", ["worker", "staff"])
def test_staff_entry_and_callback_at_once_book_the_transaction_once(
    asking: Asking, sandbox: SandboxProcess, first: str
) -> None:
    asking.go()
    line = sandbox.wait_until(lambda: paid(sandbox))[0]
    loan, at = asking.row.loan, asking.row.next_action_at or asking.at
    acts: dict[str, Callable[[], object]] = {
        "worker": lambda: advance_collection(collection_id=asking.id, at=at),
        "staff": lambda: repay(loan, 4000, rail="mtn_momo", reference=line["financialTransactionId"], at=at),
    }
    barrier, errors = threading.Barrier(2), []

    def act(name: str) -> None:
        try:
            barrier.wait(timeout=20)
            if name != first:
                time.sleep(0.005)
            acts[name]()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(name,)) for name in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    repayment = Repayment.objects.get()
    assert (asking.row.status, asking.row.repayment_id) == ("completed", repayment.pk)
    assert asking.row.loan.outstanding == Decimal(6000)
