"""Races about repayments, in pairs: the control takes the locks out and shows the race, its twin shows it gone."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from celery import Task
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from accounts.models import User
from disbursements.services.advance import advance_disbursement
from loans.models import CreditProfile, Loan, Repayment
from loans.services import payouts, repayments, reversals, write_offs
from loans.services.repayment_files import apply_lines, order_application, upload_file
from loans.services.repayments import LoanNotOwed
from loans.services.reversals import reverse_repayment
from loans.services.write_offs import write_off_loan
from tests.audit.threads import PATIENCE, run_together
from tests.loans.books import approved_loan, balances, broken, fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import actions
from tests.support.ports import closed_port
from tests.support.waiting import wait_until
from tests.ussd.outages import move_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody locks; both have read the loan before either writes."""
    barrier = threading.Barrier(2)

    def read_profile(customer_id: UUID) -> CreditProfile:
        return CreditProfile.objects.get(pk=customer_id)

    def read_loan(loan_id: UUID) -> Loan:
        loan = Loan.objects.get(pk=loan_id)
        barrier.wait(PATIENCE)
        return loan

    for module in (repayments, reversals, write_offs):
        monkeypatch.setattr(module, "lock_profile", read_profile)
        monkeypatch.setattr(module, "lock_loan", read_loan)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    return run_together(len(acts), lambda number: acts[number]())


# One transaction, told by two


def told_twice(loan: Loan, at: datetime) -> list[Any]:
    return at_once(
        lambda: repay(loan, 4000, reference="ABC", channel="paid_in", at=at),
        lambda: repay(loan, 4000, reference="ABC", channel="staff", at=at),
    )


@pytest.fixture(params=["there", "gone"])
def redis_is(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions and broker answer, or nobody does. Asked for after `loan`, Redis goes when half is done."""
    if request.param == "gone":

        def find_nobody(*_args: Any, **_kwargs: Any) -> None:
            raise OperationalError("broker")

        move_redis(settings, closed_port())
        monkeypatch.setattr(Task, "apply_async", find_nobody)


def test_callback_and_staff_entry_at_once_book_once(alice: User, loan: Loan, redis_is: None, now: datetime) -> None:
    results = told_twice(loan, now)

    assert sorted(result.is_new for result in results) == [False, True]
    assert {result.repayment for result in results} == {Repayment.objects.get()}
    assert profile_of(alice).total_repaid == 4000
    assert actions("loan.repaid") == ["loan.repaid"]
    assert broken() == set()


@pytest.mark.usefixtures("careless")
def test_control_without_locks_only_the_unique_column_holds(
    loan: Loan, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find the reference free; the database lets one in, and the other's posting is undone with its row."""
    find, barrier, found = repayments.find_repayment, threading.Barrier(2), []

    def find_together(**wanted: Any) -> Repayment | None:
        first = find(**wanted)
        if len(found) < 2:
            found.append(first)
            barrier.wait(PATIENCE)
        return first

    monkeypatch.setattr(repayments, "find_repayment", find_together)

    results = told_twice(loan, now)

    assert found == [None, None]
    assert sorted(result.is_new for result in results) == [False, True]
    assert Repayment.objects.count() == 1
    assert balances()["collected:bank"] == 4000


# Two payments


def pay_twice(loan: Loan, at: datetime) -> list[Any]:
    return at_once(lambda: repay(loan, 6000, at=at), lambda: repay(loan, 6000, at=at))


def test_two_payments_at_once_both_count(alice: User, loan: Loan, now: datetime) -> None:
    assert all(result.is_new for result in pay_twice(loan, now))

    loan.refresh_from_db()
    assert (loan.status, loan.amount_paid) == ("COMPLETED", 10_000)
    assert (profile_of(alice).total_repaid, profile_of(alice).overpaid) == (10_000, 2000)
    assert broken() == set()


@pytest.mark.usefixtures("careless")
def test_control_without_locks_one_of_two_payments_is_lost(loan: Loan, now: datetime) -> None:
    pay_twice(loan, now)

    loan.refresh_from_db()
    assert loan.amount_paid == 6000
    assert Repayment.objects.count() == 2
    assert {"loans.amounts_paid", "loans.receivables"} <= broken()


# A payment and a reversal


def pay_and_take_back(loan: Loan, boss: User, at: datetime) -> list[Any]:
    first = Repayment.objects.get()
    return at_once(
        lambda: repay(loan, 3000, at=at),
        lambda: reverse_repayment(repayment_id=first.pk, reversed_by=boss, reason="Bounced", at=at),
    )


def test_payment_and_reversal_at_once_both_count(alice: User, boss: User, loan: Loan, now: datetime) -> None:
    repay(loan, 10_000, at=now)

    results = pay_and_take_back(loan, boss, now + timedelta(days=1))

    assert not [result for result in results if isinstance(result, Exception)]
    loan.refresh_from_db()
    # Whichever came first: held for a moment, or paid at once.
    assert (loan.status, loan.outstanding, profile_of(alice).overpaid) == ("REPAYING", 7000, 0)
    assert broken() == set()


@pytest.mark.usefixtures("careless")
def test_control_without_locks_payment_and_reversal_lose_one(
    boss: User, loan: Loan, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repayments, "lock_loan", lambda loan_id: Loan.objects.get(pk=loan_id))
        repay(loan, 4000, at=now)

    pay_and_take_back(loan, boss, now + timedelta(days=1))

    assert "loans.amounts_paid" in broken()


def test_two_people_taking_back_at_once_do_it_once(boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, at=now).repayment
    other = User.objects.create_user(email="other@example.com", password="x")

    run_together(
        2,
        lambda number: reverse_repayment(
            repayment_id=repayment.pk, reversed_by=(boss, other)[number], reason=f"Person {number}", at=now
        ),
    )

    assert actions("loan.repayment_reversed") == ["loan.repayment_reversed"]
    loan.refresh_from_db()
    assert loan.outstanding == 10_000
    assert broken() == set()


# A payment and a write-off


def pay_and_give_up(loan: Loan, boss: User, at: datetime) -> list[Any]:
    return at_once(
        lambda: repay(loan, 4000, at=at),
        lambda: write_off_loan(loan_id=loan.pk, written_off_by=boss, reason="Gone", at=at),
    )


def test_payment_and_write_off_at_once_leave_true_books(boss: User, loan: Loan, now: datetime) -> None:
    results = pay_and_give_up(loan, boss, now)

    assert not [result for result in results if isinstance(result, Exception)]
    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("WRITTEN_OFF", 6000)
    # Before it a repayment and a smaller loss, after it a recovery.
    expected = {False: {"written_off": 6000}, True: {"written_off": 10_000, "recovered": -4000}}
    loss = expected[Repayment.objects.get().was_written_off]
    assert balances() == {"collected:bank": 4000, "interest_income": -1000, **loss}
    assert broken() == set()


def test_control_without_locks_more_is_written_off_than_was_owed(
    boss: User, loan: Loan, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payment comes between reading the loan and giving it up."""

    def read_loan(loan_id: UUID) -> Loan:
        found = Loan.objects.get(pk=loan_id)
        at_once(lambda: repay(loan, 4000, at=now))
        return found

    monkeypatch.setattr(write_offs, "lock_profile", lambda customer_id: CreditProfile.objects.get(pk=customer_id))
    monkeypatch.setattr(write_offs, "lock_loan", read_loan)

    write_off_loan(loan_id=loan.pk, written_off_by=boss, reason="Gone", at=now)

    assert {"loans.receivables", "loans.write_offs"} <= broken()


# A payment and the payout


def test_payment_waits_for_a_payout_that_is_being_settled(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan = approved_loan(alice, at=now)
    with pytest.raises(LoanNotOwed):
        repay(loan, 4000, at=now)
    advance_disbursement(disbursement_id=loan.disbursement_id, at=now)
    earn_interest, seen = payouts._earn_interest, []

    def in_the_middle(loan: Loan, *, at: datetime) -> None:
        payer.start()
        seen.append(wait_until(_somebody_waits_for_a_lock, what="the payment at the profile's lock"))
        earn_interest(loan, at=at)

    results: list[Any] = []

    def pay() -> None:
        try:
            results.append(repay(loan, 4000, at=now + timedelta(minutes=1)))
        finally:
            connection.close()

    payer = threading.Thread(target=pay)
    monkeypatch.setattr(payouts, "_earn_interest", in_the_middle)

    advance_disbursement(disbursement_id=loan.disbursement_id, at=now + timedelta(seconds=10))
    payer.join(PATIENCE)

    assert seen == [True]
    assert [result.is_new for result in results] == [True]
    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("REPAYING", 6000)
    assert broken() == set()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Inside a transaction the view would be what it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND query LIKE '%%loans_credit_profile%%'"
        )
        return bool(cursor.fetchone()[0])


# A file and two people


def test_two_people_applying_a_file_at_once_do_it_once(boss: User, loan: Loan, now: datetime) -> None:
    lines = "\n".join(f"{loan.number},10,bank,T-{number},2026-11-19" for number in range(20))
    content = f"loan,amount,rail,reference,received_at\n{lines}\n".encode()
    uploads = run_together(2, lambda _number: upload_file(name="a", content=content, uploaded_by=boss, at=now))
    assert sorted(upload.is_new for upload in uploads) == [False, True]
    file = uploads[0].file
    assert uploads[1].file == file

    ordered = run_together(2, lambda _number: order_application(file_id=file.pk, applied_by=boss, at=now))
    left = run_together(2, lambda _number: apply_lines(file_id=file.pk, clock=lambda: now))

    assert sorted(ordered) == [False, True]
    assert 0 in left
    assert apply_lines(file_id=file.pk, clock=lambda: now + timedelta(minutes=2)) == 0
    assert Repayment.objects.count() == 20
    loan.refresh_from_db()
    assert loan.amount_paid == 200
    assert broken() == set()


def test_reference_of_two_customers_at_once_is_booked_for_one(bob: User, loan: Loan, now: datetime) -> None:
    """Their profiles are two, so no lock keeps them apart: the unique column does, and the other is told."""
    other = paid_out_loan(bob, at=now)

    results = run_together(
        2,
        lambda number: repay((loan, other)[number], 4000, reference="ABC", at=now),
        hold=(repayments, "find_repayment"),
    )

    assert sorted(type(result).__name__ for result in results) == ["RepaymentConflict", "RepaymentResult"]
    assert Repayment.objects.count() == 1
    assert balances()["collected:bank"] == 4000
    with transaction.atomic():
        assert broken() == set()
