"""Two people, or two workers, take a step at once, in pairs: the control takes the locks out, its twin has them."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError

from accounts.models import User
from disbursements.models import Disbursement
from loans.models import CreditProfile, Loan, ScoreChange
from loans.services import due, staff_loans
from loans.services.due import mark_overdue
from loans.services.staff_loans import NotMovable, approve_loan, create_loan, disburse_loan, reject_loan
from loans.statuses import LoanStatus
from tests.audit.threads import PATIENCE, run_together
from tests.loans.books import broken, fake_world, profile_of
from tests.loans.conftest import ALICE, actions, make_profile
from tests.loans.rows import make_loan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def be_careless(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nobody locks, and both have read the loan before either writes."""
    barrier = threading.Barrier(2)

    def read_loan(loan_id: UUID) -> Loan:
        loan = Loan.objects.get(pk=loan_id)
        barrier.wait(PATIENCE)
        return loan

    def take_locks_out() -> None:
        for module in (staff_loans, due):
            monkeypatch.setattr(module, "lock_profile", lambda customer_id: CreditProfile.objects.get(pk=customer_id))
            monkeypatch.setattr(module, "lock_loan", read_loan)

    return take_locks_out


@pytest.fixture
def checkers() -> list[User]:
    return [User.objects.create_user(email=f"checker{number}@example.com", password="x") for number in (1, 2)]


@pytest.fixture
def waiting(alice: User, boss: User, now: datetime) -> Loan:
    """Made by staff, to be approved."""
    return create_loan(phone=ALICE, amount=Decimal(8000), note="", key="form", created_by=boss, at=now)


@pytest.fixture
def approved(waiting: Loan, checkers: list[User], now: datetime) -> Loan:
    return approve_loan(loan_id=waiting.pk, approved_by=checkers[0], at=now)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    return run_together(len(acts), lambda number: acts[number]())


def pay_out_twice(loan: Loan, people: list[User], at: datetime) -> None:
    at_once(*(lambda who=who: disburse_loan(loan_id=loan.pk, disbursed_by=who, at=at) for who in people))


def test_two_people_paying_out_at_once_ask_once(approved: Loan, checkers: list[User], now: datetime) -> None:
    pay_out_twice(approved, checkers, now)

    assert Disbursement.objects.count() == 1
    assert actions("loan.disbursement_requested", "disbursement.requested") == [
        "disbursement.requested",
        "loan.disbursement_requested",
    ]
    assert broken() == set()


def test_control_without_locks_only_the_key_of_the_payout_holds(
    approved: Loan, checkers: list[User], now: datetime, be_careless: Callable[[], None]
) -> None:
    be_careless()

    pay_out_twice(approved, checkers, now)

    assert Disbursement.objects.count() == 1
    assert actions("loan.disbursement_requested") == ["loan.disbursement_requested"] * 2


def decide_twice(loan: Loan, people: list[User], at: datetime) -> list[Any]:
    """One approves, the other rejects; what each hears."""

    def hear(act: Callable[[], Loan]) -> str:
        try:
            return act().status
        except NotMovable:
            return "refused"

    return at_once(
        lambda: hear(lambda: approve_loan(loan_id=loan.pk, approved_by=people[0], at=at)),
        lambda: hear(lambda: reject_loan(loan_id=loan.pk, rejected_by=people[1], reason="No", at=at)),
    )


def test_approving_and_rejecting_at_once_does_one_of_them(waiting: Loan, checkers: list[User], now: datetime) -> None:
    heard = decide_twice(waiting, checkers, now)

    assert sorted(heard) in (["APPROVED", "refused"], ["REJECTED", "refused"])
    assert len(actions("loan.approved", "loan.rejected")) == 1
    assert broken() == set()


def test_control_without_locks_the_database_refuses_the_second_move(
    waiting: Loan, checkers: list[User], now: datetime, be_careless: Callable[[], None]
) -> None:
    """Both think they may; the trigger on moves of the status stops the later one."""
    be_careless()

    heard = decide_twice(waiting, checkers, now)

    assert [isinstance(words, DatabaseError) for words in heard].count(True) == 1
    assert len(actions("loan.approved", "loan.rejected")) == 1


@pytest.fixture
def late(alice: User, now: datetime) -> Loan:
    """Due yesterday."""
    make_profile(alice, at=now, total_loans=1)
    return make_loan(alice, at=now - timedelta(days=30), status=LoanStatus.DISBURSED, due_date=date(2026, 11, 19))


def test_two_workers_at_once_take_points_for_lateness_once(late: Loan, alice: User, now: datetime) -> None:
    assert sorted(at_once(*[lambda: mark_overdue(at=now)] * 2)) == [0, 1]

    assert (profile_of(alice).score, ScoreChange.objects.count()) == (290, 1)
    assert actions("loan.overdue") == ["loan.overdue"]


def test_control_without_locks_points_are_taken_twice(
    late: Loan, now: datetime, be_careless: Callable[[], None]
) -> None:
    be_careless()

    assert at_once(*[lambda: mark_overdue(at=now)] * 2) == [1, 1]

    assert ScoreChange.objects.count() == 2
    assert actions("loan.overdue") == ["loan.overdue"] * 2
