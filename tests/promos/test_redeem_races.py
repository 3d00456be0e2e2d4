"""Races, in pairs: the control takes the lock out and shows the race, its twin shows it gone."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.services.requests import DisbursementConflict
from promos.locks import lock_code, lock_customer, lock_slices
from promos.models import Batch, BudgetSlice, PromoCode, Redemption
from promos.services import budgets, redemptions
from promos.services.batches import create_batch, update_batch
from promos.services.redemptions import redeem_code
from promos.statuses import Outcome, Reason
from tests.audit.threads import run_together
from tests.promos.conftest import actions, make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db(transaction=True)


def customers(count: int) -> list[User]:
    return User.objects.bulk_create(User(phone=f"+25078{number:07d}") for number in range(count))


def read_code_unlocked(code: str, **annotations: Any) -> PromoCode | None:
    return PromoCode.objects.select_related("batch__account").annotate(**annotations).filter(code=code).first()


def read_customer_unlocked(customer_id: Any, *, wait_seconds: int) -> User:
    return User.objects.get(pk=customer_id)


@pytest.fixture
def patient(rules: Any) -> None:
    """A crowd that waits for one row waits as long as a slow machine needs."""
    rules(lock_wait_seconds=60)


@contextmanager
def held(lock: Any) -> Iterator[None]:
    """Another connection holds what `lock()` locks, until the block ends."""
    taken, leave = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            lock()
            taken.set()
            leave.wait(60)
        connection.close()

    thread = Thread(target=hold)
    thread.start()
    assert taken.wait(60)
    try:
        yield
    finally:
        leave.set()
        thread.join()


# One code, many customers


@pytest.mark.usefixtures("patient")
def test_hundred_redemptions_at_once_pay_one_code_once(code: PromoCode, now: datetime) -> None:
    everybody = customers(100)

    results = run_together(100, lambda number: redeem(everybody[number], code, at=now).outcome)

    assert Counter(results) == {Outcome.REDEEMED: 1, Outcome.ALREADY_USED: 99}
    assert Redemption.objects.count() == Disbursement.objects.count() == 1
    assert actions("promo.redemption") == ["promo.redemption.accepted"]
    code.refresh_from_db()
    assert code.status == "used"


def test_hundred_repeats_at_once_of_one_session_say_one_outcome(
    alice: User, code: PromoCode, now: datetime, rules
) -> None:
    rules(lock_wait_seconds=60, attempts_per_minute=1000, attempts_per_hour=1000, attempts_per_day=1000)

    results = run_together(100, lambda _number: redeem(alice, code, at=now))

    assert {result.outcome for result in results} == {Outcome.REDEEMED}
    assert {result.redemption_id for result in results} == {Redemption.objects.get().pk}
    assert Counter(result.said_before for result in results) == {True: 99, False: 1}
    assert Disbursement.objects.count() == 1


@pytest.mark.usefixtures("patient")
def test_control_without_the_codes_lock_only_the_unique_columns_hold(
    code: PromoCode, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody sees an active code; the database refuses the second, and looking again finds the right words."""
    everybody = customers(4)
    monkeypatch.setattr(redemptions, "lock_code", read_code_unlocked)
    refused: list[Exception] = []
    decide = redemptions._decide

    def watched(request: Any) -> Any:
        try:
            return decide(request)
        except (IntegrityError, DisbursementConflict) as error:
            refused.append(error)
            raise

    monkeypatch.setattr(redemptions, "_decide", watched)

    results = run_together(
        4, lambda number: redeem(everybody[number], code, at=now).outcome, hold=(redemptions, "lock_code")
    )

    assert len(refused) == 3
    assert Counter(results) == {Outcome.REDEEMED: 1, Outcome.ALREADY_USED: 3}
    assert Redemption.objects.count() == Disbursement.objects.count() == 1


# One customer, many codes


def test_control_without_the_customers_lock_the_limit_is_broken(
    alice: User, batch: Batch, now: datetime, rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = make_codes(batch, 3, at=now)
    rules(lock_wait_seconds=60, max_redemptions_per_customer_per_day=1)
    monkeypatch.setattr(redemptions, "lock_customer", read_customer_unlocked)

    results = run_together(
        3, lambda number: redeem(alice, codes[number], at=now).outcome, hold=(redemptions, "lock_code")
    )

    assert results == [Outcome.REDEEMED] * 3


def test_customers_limit_holds_when_many_codes_are_redeemed_at_once(
    alice: User, batch: Batch, now: datetime, rules
) -> None:
    codes = make_codes(batch, 10, at=now)
    rules(
        lock_wait_seconds=60,
        max_redemptions_per_customer_per_day=3,
        attempts_per_minute=1000,
        attempts_per_hour=1000,
    )

    results = run_together(10, lambda number: redeem(alice, codes[number], at=now))

    assert Counter((result.outcome, result.reason) for result in results) == {
        (Outcome.REDEEMED, Reason.NONE): 3,
        (Outcome.LIMIT_REACHED, Reason.CUSTOMER_DAY): 7,
    }
    assert Disbursement.objects.count() == 3


# One budget


def take_from_sum_without_lock(*, batch_id: Any, amount: Decimal) -> bool:
    """What a budget without locks would do: look at the sum of what was promised, then go on."""
    batch = Batch.objects.get(pk=batch_id)
    promised = sum(redemption.amount for redemption in Redemption.objects.filter(batch=batch))
    return promised + amount <= (batch.budget or 0)


@pytest.mark.usefixtures("patient")
def test_control_without_slices_the_budget_is_exceeded(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(5000)), at=now)
    codes = make_codes(batch, 4, at=now)
    everybody = customers(4)
    monkeypatch.setattr(redemptions, "take_from_budget", take_from_sum_without_lock)

    results = run_together(
        4,
        lambda number: redeem(everybody[number], codes[number], at=now).outcome,
        hold=(redemptions, "take_from_budget"),
    )

    assert results == [Outcome.REDEEMED] * 4


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("affordable", [1, 7, 19])
def test_budget_is_spent_exactly_when_many_redeem_at_once(affordable: int, now: datetime) -> None:
    budget = Decimal(5000) * affordable + 4999
    batch = create_batch(terms=promo_terms(now, budget=budget), at=now)
    codes = make_codes(batch, 30, at=now)
    everybody = customers(30)

    results = run_together(30, lambda number: redeem(everybody[number], codes[number], at=now))

    assert Counter((result.outcome, result.reason) for result in results) == {
        (Outcome.REDEEMED, Reason.NONE): affordable,
        (Outcome.LIMIT_REACHED, Reason.BUDGET): 30 - affordable,
    }
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(4999)


@pytest.mark.usefixtures("patient")
def test_budget_of_mixed_amounts_is_spent_to_the_last_franc_by_small_codes(now: datetime) -> None:
    """Slices that hold too little by themselves are put together."""
    batch = create_batch(terms=promo_terms(now, amount_per_code=Decimal(100), budget=Decimal(10_000)), at=now)
    big = make_codes(batch, 4, amount=Decimal(3000), at=now)
    small = make_codes(batch, 20, at=now)
    everybody = customers(24)

    first = run_together(4, lambda number: redeem(everybody[number], big[number], at=now).outcome)
    then = run_together(20, lambda number: redeem(everybody[4 + number], small[number], at=now).outcome)

    assert Counter(first) == {Outcome.REDEEMED: 3, Outcome.LIMIT_REACHED: 1}
    assert Counter(then) == {Outcome.REDEEMED: 10, Outcome.LIMIT_REACHED: 10}
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == 0


@pytest.mark.usefixtures("patient")
def test_budget_changed_while_codes_are_redeemed_adds_up(now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(100_000)), at=now)
    codes = make_codes(batch, 12, at=now)
    everybody = customers(12)

    def act(number: int) -> Any:
        if number < 12:
            return redeem(everybody[number], codes[number], at=now).outcome
        return update_batch(batch_id=batch.pk, terms=promo_terms(now, budget=Decimal(200_000)), at=now).budget

    results = run_together(13, act)

    assert results == [Outcome.REDEEMED] * 12 + [Decimal(200_000)]
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(140_000)


# Who waits for whom


def test_different_codes_of_one_batch_never_wait_for_each_other(now: datetime) -> None:
    """With a redemption of one code held open at its end, another of the same batch and budget goes through."""
    batch = create_batch(terms=promo_terms(now, budget=Decimal(100_000)), at=now)
    first, second = make_codes(batch, 2, at=now)
    everybody = customers(2)
    reached, leave = Event(), Event()
    record = redemptions.record

    def record_and_stop(action: str, **facts: Any) -> Any:
        event = record(action, **facts)
        if facts["after"]["code"] == first.pk:
            reached.set()
            assert leave.wait(60)
        return event

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redemptions, "record", record_and_stop)

        def redeem_first() -> None:
            redeem(everybody[0], first, at=now)
            connection.close()

        thread = Thread(target=redeem_first)
        thread.start()
        assert reached.wait(60)
        # Whoever waited for the first would be asked to try later: it goes on when this is over.
        outcome = redeem(everybody[1], second, at=now).outcome
        alive = thread.is_alive()
        leave.set()
        thread.join()

    assert (outcome, alive) == (Outcome.REDEEMED, True)
    assert Redemption.objects.count() == 2


@pytest.mark.parametrize("what", ["customer", "code"])
def test_redeem_that_waits_too_long_asks_to_try_later(
    what: str, alice: User, code: PromoCode, now: datetime, rules
) -> None:
    rules(lock_wait_seconds=1)
    lock = {
        "customer": lambda: lock_customer(alice.pk, wait_seconds=9),
        "code": lambda: lock_code(code.code),
    }[what]

    with held(lock):
        began = time.monotonic()
        result = redeem(alice, code, at=now)
        took = time.monotonic() - began

    assert result.outcome == Outcome.TRY_LATER
    # The lock is held for a minute.
    assert 0.9 < took < 30
    assert Redemption.objects.count() == 0
    # Nothing was counted against the customer, and the code is as good as before.
    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("30s",)


def test_redeem_waits_for_budget_slices_that_are_all_busy(alice: User, now: datetime, rules) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(10_000)), at=now)
    code = make_codes(batch, 1, at=now)[0]
    rules(lock_wait_seconds=1)

    with held(lambda: lock_slices(batch.pk)):
        assert redeem(alice, code, at=now).outcome == Outcome.TRY_LATER

    assert redeem(alice, code, at=now).outcome == Outcome.REDEEMED


def test_redeem_inside_a_transaction_is_refused(alice: User, code: PromoCode, now: datetime) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        redeem_code(customer_id=alice.pk, phone=alice.phone, typed=str(code), idempotency_key="k", at=now)

    assert Redemption.objects.count() == 0


def test_give_back_waits_for_a_slice_when_all_are_busy(now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(10_000)), at=now)

    def give_back() -> None:
        with transaction.atomic():
            budgets.give_back_to_budget(batch_id=batch.pk, amount=Decimal(5000))
        connection.close()

    thread = Thread(target=give_back)
    with held(lambda: lock_slices(batch.pk)):
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join()

    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(15_000)
