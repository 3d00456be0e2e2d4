"""What the due date does: OVERDUE on the day after it in the country's zone, and points once for each tier entered."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan, ScoreChange
from loans.services.due import mark_overdue
from loans.statuses import LoanStatus
from notifications.models import SmsMessage
from tests.loans.conftest import actions, make_profile
from tests.loans.rows import make_loan

pytestmark = pytest.mark.django_db

DUE = date(2026, 11, 19)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    """Due yesterday."""
    make_profile(alice, at=now, total_loans=1)
    return make_loan(alice, at=now - timedelta(days=30), status=LoanStatus.DISBURSED, due_date=DUE)


def score(loan: Loan) -> int:
    return CreditProfile.objects.get(pk=loan.customer_id).score


def test_loan_is_overdue_the_day_after_it_was_due_and_costs_points_once(loan: Loan, now: datetime) -> None:
    assert mark_overdue(at=now) == 1
    assert mark_overdue(at=now) == 0

    loan.refresh_from_db()
    assert (loan.status, loan.overdue_at, loan.penalised_days) == ("OVERDUE", now, 1)
    assert score(loan) == 290
    assert actions("loan.", "credit.") == ["loan.overdue", "credit.score_changed"]


@pytest.mark.parametrize(("hour_utc", "changed"), [(22, 0), (23, 1)], ids=["still today in Lagos", "midnight in Lagos"])
def test_day_ends_in_the_countrys_zone(loan: Loan, now: datetime, hour_utc: int, changed: int) -> None:
    assert mark_overdue(at=now.replace(day=19, hour=hour_utc)) == changed


def test_zone_is_configured(loan: Loan, now: datetime, configure: Callable[..., Any]) -> None:
    configure(LoanSettings, time_zone="Africa/Nairobi")

    assert mark_overdue(at=now.replace(day=19, hour=21)) == 1


def test_each_tier_costs_points_when_it_is_entered(loan: Loan, now: datetime) -> None:
    seen = []
    for days in (1, 7, 8, 30, 31, 400):
        mark_overdue(at=now + timedelta(days=days - 1))
        seen.append(score(loan))

    assert seen == [290, 290, 265, 265, 215, 215]
    assert list(ScoreChange.objects.order_by("id").values_list("reason", flat=True)) == ["overdue"] * 3


def test_run_that_comes_late_takes_every_tier_entered_meanwhile(loan: Loan, now: datetime) -> None:
    assert mark_overdue(at=now + timedelta(days=39)) == 1

    loan.refresh_from_db()
    assert (score(loan), loan.penalised_days) == (215, 31)


@pytest.mark.parametrize("status", ["APPROVED", "COMPLETED", "WRITTEN_OFF", "CANCELLED"])
def test_loans_that_are_not_owed_are_left_alone(alice: User, now: datetime, status: str) -> None:
    make_profile(alice, at=now, total_loans=1)
    paid = {"amount_paid": 10_000, "outstanding": 0} if status == "COMPLETED" else {}
    loan = make_loan(alice, at=now - timedelta(days=60), status=status, due_date=DUE, **paid)

    assert mark_overdue(at=now) == 0
    loan.refresh_from_db()
    assert loan.status == status


def test_partly_repaid_loan_becomes_overdue_too(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, total_loans=1)
    make_loan(alice, at=now, status="REPAYING", due_date=DUE, amount_paid=4_000, outstanding=6_000)

    assert mark_overdue(at=now) == 1


def test_many_loans_are_all_found(alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pages, with equal due dates at their edges."""
    monkeypatch.setattr("loans.services.due.CHUNK", 2)
    make_profile(alice, at=now, total_loans=5)
    for number in range(5):
        make_loan(alice, at=now, number=f"USS-2026-{number:03}", status="DISBURSED", due_date=DUE)

    assert mark_overdue(at=now) == 5
    assert SmsMessage.objects.count() == 0
