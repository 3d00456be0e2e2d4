"""Loans given up, and what comes in for them after all."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from audit.models import AuditEvent
from loans.models import Loan, ScoreChange
from loans.services.reversals import reverse_repayment
from loans.services.write_offs import NotWritable, write_off_loan
from tests.loans.books import approved_loan, balances, broken, fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    loan = paid_out_loan(alice, at=now)
    repay(loan, 4000, at=now + timedelta(days=1))
    return loan


@pytest.fixture
def late(now: datetime) -> datetime:
    return now + timedelta(days=200)


def write_off(loan: Loan, boss: User, *, at: datetime, reason: str = "Cannot be found") -> Loan:
    return write_off_loan(loan_id=loan.pk, written_off_by=boss, reason=reason, at=at)


def test_what_is_outstanding_becomes_a_loss(alice: User, boss: User, loan: Loan, late: datetime) -> None:
    score = profile_of(alice).score

    write_off(loan, boss, at=late)

    loan.refresh_from_db()
    assert (loan.status, loan.outstanding, loan.written_off_at, loan.reason) == (
        "WRITTEN_OFF",
        6000,
        late,
        "Cannot be found",
    )
    assert balances() == {"written_off": 6000, "collected:bank": 4000, "interest_income": -1000}
    profile = profile_of(alice)
    assert (profile.outstanding, profile.score, profile.repayment_status) == (0, score - 150, "PARTIAL")
    change = ScoreChange.objects.get(reason="write_off")
    assert (change.loan, change.score_after - change.score_before) == (loan, -150)
    event = AuditEvent.objects.get(action="loan.written_off")
    assert (event.actor_id, event.reason) == (str(boss.pk), "Cannot be found")
    assert broken() == set()


def test_twice_changes_nothing(alice: User, boss: User, loan: Loan, late: datetime) -> None:
    write_off(loan, boss, at=late)
    before = balances(), profile_of(alice).score, len(actions())

    write_off(loan, boss, at=late + timedelta(days=1), reason="Again")

    assert (balances(), profile_of(alice).score, len(actions())) == before


def test_what_comes_in_afterwards_is_recovered(alice: User, boss: User, loan: Loan, late: datetime) -> None:
    write_off(loan, boss, at=late)

    first = repay(loan, 1000, at=late).repayment
    loan.refresh_from_db()
    assert (loan.status, loan.outstanding, first.was_written_off) == ("WRITTEN_OFF", 5000, True)
    assert broken() == set()

    last = repay(loan, 5500, at=late + timedelta(days=1)).repayment
    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("COMPLETED", 0)
    assert balances() == {
        "written_off": 6000,
        "recovered": -6000,
        "overpaid": -500,
        "collected:bank": 10_500,
        "interest_income": -1000,
    }
    assert (profile_of(alice).total_repaid, profile_of(alice).overpaid) == (10_000, 500)
    assert broken() == set()

    reverse_repayment(repayment_id=last.pk, reversed_by=boss, reason="Bounced", at=late + timedelta(days=2))
    loan.refresh_from_db()
    assert (loan.status, loan.outstanding, loan.completed_at) == ("WRITTEN_OFF", 5000, None)
    assert balances()["recovered"] == -1000
    assert broken() == set()


def test_recovered_loan_that_loses_an_early_payment_is_written_off_again(
    boss: User, loan: Loan, late: datetime
) -> None:
    early = loan.repayments.get()
    write_off(loan, boss, at=late)
    repay(loan, 6000, at=late)

    reverse_repayment(repayment_id=early.pk, reversed_by=boss, reason="Bounced", at=late + timedelta(days=1))

    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("WRITTEN_OFF", 4000)
    assert balances() == {
        "written_off": 10_000,
        "recovered": -6000,
        "collected:bank": 6000,
        "interest_income": -1000,
    }
    assert broken() == set()


def test_only_what_is_owed_can_be_written_off(boss: User, bob: User, loan: Loan, now: datetime, late: datetime) -> None:
    repay(loan, 6000, at=now + timedelta(days=2))
    for one in (loan, approved_loan(bob, at=now)):
        with pytest.raises(NotWritable, match="Only a loan that is owed"):
            write_off(one, boss, at=late)
    assert "loan.written_off" not in actions()


def test_nobody_writes_off_their_own_loan_or_without_a_reason(
    alice: User, boss: User, loan: Loan, late: datetime
) -> None:
    with pytest.raises(NotWritable, match="your own loan"):
        write_off(loan, alice, at=late)
    with pytest.raises(NotWritable, match="Say why"):
        write_off(loan, boss, at=late, reason=" ")
    loan.refresh_from_db()
    assert loan.status == "REPAYING"
