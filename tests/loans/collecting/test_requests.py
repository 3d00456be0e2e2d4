"""Asking for a request to pay: what is refused, what a repeat gets, what is written."""

import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from configuration.selectors import SettingsUnknown
from loans import tasks
from loans.models import CollectionRequest, Loan
from loans.services.collections import (
    CollectionKeyUsed,
    CollectionsOff,
    CollectionUnderWay,
    InvalidCollection,
    request_collection,
)
from loans.services.repayments import LoanNotOwed
from tests.loans.books import approved_loan, broken, repay
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids handed to the workers."""
    handed: list[str] = []
    monkeypatch.setattr(
        tasks.advance_collection, "apply_async", lambda *, kwargs, **_options: handed.append(kwargs["collection_id"])
    )
    return handed


def ask(loan: Loan, amount: int | str = 4000, *, key: str = "menu:1", at: datetime) -> CollectionRequest:
    return request_collection(loan_id=loan.pk, amount=Decimal(amount), key=key, at=at)


@pytest.mark.parametrize("amount", ["1", "10000", "0.50", "2500.75"])
def test_request_is_stored_due_now_and_handed_to_a_worker(
    loan: Loan, now: datetime, nudged: list[str], set_up: Callable[..., Any], amount: str
) -> None:
    if amount == "0.50":
        repay(loan, "9999.50", at=now)

    collection = ask(loan, amount, at=now)

    collection.refresh_from_db()
    assert (collection.status, collection.sends, collection.next_action_at) == ("queued", 0, now)
    assert (collection.phone, collection.amount, collection.currency) == (loan.phone, Decimal(amount), "NGN")
    assert nudged == [str(collection.pk)]
    assert actions("collection.") == ["collection.requested"]
    assert broken() == set()


def test_same_key_gives_the_first_again_whatever_became_of_it(
    loan: Loan, now: datetime, nudged: list[str], set_up: Callable[..., Any]
) -> None:
    first = ask(loan, at=now)

    assert ask(loan, at=now) == first
    set_up(enabled=False)
    assert ask(loan, at=now) == first
    assert nudged == [str(first.pk)]
    assert actions("collection.") == ["collection.requested"]
    with pytest.raises(CollectionKeyUsed) as refused:
        ask(loan, 5000, at=now)
    assert refused.value.first == first


def test_one_request_at_a_time_for_a_loan(loan: Loan, now: datetime, set_up: Callable[..., Any]) -> None:
    first = ask(loan, at=now)

    with pytest.raises(CollectionUnderWay) as refused:
        ask(loan, key="menu:2", at=now)

    assert refused.value.open == first
    assert CollectionRequest.objects.count() == 1


@pytest.mark.parametrize("amount", ["0", "-1", "0.99", "10000.01", "99999999999999", "1.234", "NaN", "Infinity"])
def test_amount_that_cannot_be_asked_for_is_refused(
    loan: Loan, now: datetime, set_up: Callable[..., Any], amount: str
) -> None:
    with pytest.raises(InvalidCollection):
        ask(loan, amount, at=now)
    assert not CollectionRequest.objects.exists()


def test_only_owed_loans_are_asked_for(loan: Loan, bob: User, now: datetime, set_up: Callable[..., Any]) -> None:
    with pytest.raises(LoanNotOwed):
        ask(approved_loan(bob, at=now), at=now)
    repay(loan, 10_000, at=now)
    with pytest.raises(LoanNotOwed):
        ask(loan, at=now)


@pytest.mark.parametrize("changes", [{"enabled": False}, {"currency": "RWF"}])
def test_nobody_is_asked_while_collections_are_off(
    loan: Loan, now: datetime, set_up: Callable[..., Any], changes: dict[str, Any]
) -> None:
    set_up(**changes)

    with pytest.raises(CollectionsOff):
        ask(loan, at=now)


def test_unknown_settings_promise_nothing(loan: Loan, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(category: object) -> None:
        raise SettingsUnknown("away")

    monkeypatch.setattr("loans.services.collections.current_or_raise", unknown)

    with pytest.raises(SettingsUnknown):
        ask(loan, at=now)
    assert not CollectionRequest.objects.exists()


def test_callers_rollback_takes_the_request_back(
    loan: Loan, now: datetime, nudged: list[str], set_up: Callable[..., Any]
) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        ask(loan, at=now)
        raise RuntimeError

    assert not CollectionRequest.objects.exists()
    assert (nudged, actions("collection.")) == ([], [])


def test_eight_at_once_make_one_request(loan: Loan, now: datetime, set_up: Callable[..., Any]) -> None:
    barrier = threading.Barrier(8)
    found: list[object] = []

    def press(number: int) -> None:
        barrier.wait()
        try:
            found.append(ask(loan, key=f"menu:{number % 2}", at=now).pk)
        except CollectionUnderWay as refused:
            found.append(refused.open.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert set(found) == {CollectionRequest.objects.get().pk}
