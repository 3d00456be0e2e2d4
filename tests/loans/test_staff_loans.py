"""Loans made by staff: the same rules as over USSD, in steps that different people take."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from disbursements.models import Disbursement
from disbursements.services.advance import advance_disbursement
from disbursements.statuses import ErrorClass
from loans.configuration import LoanSettings
from loans.models import Loan
from loans.services.staff_loans import (
    NotLendable,
    NotMovable,
    approve_loan,
    cancel_loan,
    create_loan,
    disburse_loan,
    reject_loan,
    retry_payout,
)
from tests.disbursements.fake_provider import World, refused
from tests.loans.books import balances, broken, fake_world, paid_out_loan, pay_out, profile_of, repay
from tests.loans.conftest import ALICE, actions, make_profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> World:
    return fake_world(monkeypatch)


@pytest.fixture
def maker() -> User:
    return User.objects.create_user(email="maker@example.com", password="x")


@pytest.fixture
def checker() -> User:
    return User.objects.create_user(email="checker@example.com", password="x")


def make(maker: User, *, at: datetime, **changes: Any) -> Loan:
    content: dict[str, Any] = {"phone": ALICE, "amount": Decimal(8000), "note": "At the counter", "key": "form-1"}
    return create_loan(**content | changes, created_by=maker, at=at)


def test_made_approved_paid_out_and_repaid(alice: User, maker: User, checker: User, now: datetime) -> None:
    loan = make(maker, at=now)

    assert loan.number == "LOAN-2026-001"
    assert (loan.status, loan.amount, loan.interest, loan.disbursed_amount) == ("PENDING", 8000, 800, 7200)
    assert (loan.interest_rate, loan.repayment_period_days) == (10, 30)
    assert (loan.explanation["note"], loan.explanation["score"]) == ("At the counter", 300)
    assert (profile_of(alice).outstanding, profile_of(alice).total_loans) == (8000, 0)
    assert not Disbursement.objects.exists()
    assert broken() == set()

    approve_loan(loan_id=loan.pk, approved_by=checker, at=now + timedelta(hours=1))
    assert profile_of(alice).total_loans == 1
    assert broken() == set()

    days_later = now + timedelta(days=3)
    loan = disburse_loan(loan_id=loan.pk, disbursed_by=checker, at=days_later)
    assert (loan.status, loan.due_date) == ("APPROVED", (days_later + timedelta(days=30)).date())
    assert broken() == set()

    loan = pay_out(loan, at=days_later)
    assert (loan.status, balances()["receivable"]) == ("DISBURSED", 8000)
    repay(loan, 8000, at=days_later + timedelta(days=1))

    assert actions("loan.") == [
        "loan.created",
        "loan.approved",
        "loan.disbursement_requested",
        "loan.disbursed",
        "loan.repaid",
    ]
    people = AuditEvent.objects.filter(action__startswith="loan.").order_by("id").values_list("actor_id", flat=True)
    assert list(people)[:3] == [str(maker.pk), str(checker.pk), str(checker.pk)]
    assert broken() == set()


def test_same_form_sent_twice_makes_one_loan(alice: User, maker: User, now: datetime) -> None:
    assert make(maker, at=now) == make(maker, at=now)
    assert Loan.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phone": "+2348030000000"}, "No customer"),
        ({"amount": Decimal(10_001)}, "NGN 10,000 at most"),
        ({"amount": Decimal(0)}, "cannot be lent|not an amount"),
        ({"amount": Decimal("-1")}, "not an amount"),
        ({"amount": Decimal("0.001")}, "not an amount"),
    ],
)
def test_what_the_rules_refuse(alice: User, maker: User, now: datetime, changes: dict, words: str) -> None:
    with pytest.raises(NotLendable, match=words):
        make(maker, at=now, **changes)
    assert not Loan.objects.exists()
    assert actions("loan.") == []


def test_pause_limit_and_score_count_as_over_ussd(alice: User, maker: User, now: datetime, configure: Any) -> None:
    paid_out_loan(alice, at=now, amount=4000)
    with pytest.raises(NotLendable, match="Try again in 120 minutes"):
        make(maker, at=now)
    with pytest.raises(NotLendable, match="NGN 6,000 is left"):
        make(maker, at=now + timedelta(hours=2))
    loan = make(maker, at=now + timedelta(hours=2), amount=Decimal(6000))
    assert profile_of(alice).outstanding == 10_000
    # A loan that waits for approval begins the pause too.
    configure(LoanSettings, cooldown_minutes=300)
    with pytest.raises(NotLendable, match=loan.number):
        make(maker, at=now + timedelta(hours=4), amount=Decimal(1), key="form-2")


def test_low_score_has_its_own_terms(alice: User, maker: User, now: datetime) -> None:
    make_profile(alice, at=now, score=200, total_loans=1)
    loan = make(maker, at=now, amount=Decimal(5000))
    assert (loan.interest_rate, loan.repayment_period_days, loan.disbursed_amount) == (15, 14, 4250)


def test_maker_and_borrower_cannot_approve(alice: User, maker: User, now: datetime) -> None:
    loan = make(maker, at=now)
    for person in (maker, alice):
        with pytest.raises(NotMovable, match="Another person"):
            approve_loan(loan_id=loan.pk, approved_by=person, at=now)
    with pytest.raises(NotLendable, match="your own loan"):
        make(alice, at=now, key="form-2")
    loan.refresh_from_db()
    assert loan.status == "PENDING"


def test_approving_twice_counts_once(alice: User, maker: User, checker: User, now: datetime) -> None:
    loan = make(maker, at=now)
    for _ in range(2):
        approve_loan(loan_id=loan.pk, approved_by=checker, at=now)
    assert profile_of(alice).total_loans == 1
    assert actions("loan.approved") == ["loan.approved"]
    with pytest.raises(NotMovable, match="cannot be approved: approved"):
        approve_loan(loan_id=loan.pk, approved_by=maker, at=now)


def test_limit_lowered_meanwhile_stops_approval(alice: User, maker: User, checker: User, now: datetime) -> None:
    make_profile(alice, at=now, automatic_limit=False)
    loan = make(maker, at=now)
    profile = profile_of(alice)
    profile.credit_limit = Decimal(7999)
    profile.save()

    with pytest.raises(NotLendable, match="limit is lower"):
        approve_loan(loan_id=loan.pk, approved_by=checker, at=now)


def test_rejected_loan_leaves_nothing_behind(alice: User, maker: User, checker: User, now: datetime) -> None:
    loan = make(maker, at=now)
    for _ in range(2):
        reject_loan(loan_id=loan.pk, rejected_by=checker, reason="Not the customer", at=now)

    loan.refresh_from_db()
    assert (loan.status, loan.reason) == ("REJECTED", "Not the customer")
    profile = profile_of(alice)
    assert (profile.outstanding, profile.total_loans) == (0, 0)
    assert actions("loan.rejected") == ["loan.rejected"]
    # It begins no pause.
    assert make(maker, at=now, key="form-2").status == "PENDING"
    assert broken() == set()


def test_approved_loan_is_cancelled_before_and_after_its_payout_was_asked_for(
    alice: User, maker: User, checker: User, now: datetime
) -> None:
    for number in range(2):
        loan = make(maker, at=now, key=f"form-{number}")
        approve_loan(loan_id=loan.pk, approved_by=checker, at=now)
        if number:
            disburse_loan(loan_id=loan.pk, disbursed_by=checker, at=now)
        cancel_loan(loan_id=loan.pk, cancelled_by=checker, reason="Changed their mind", at=now)
        loan.refresh_from_db()
        assert (loan.status, profile_of(alice).outstanding, profile_of(alice).total_loans) == ("CANCELLED", 0, 0)
        assert balances() == {}
        assert broken() == set()


def test_paying_out_twice_asks_once(alice: User, maker: User, checker: User, world: World, now: datetime) -> None:
    loan = make(maker, at=now)
    with pytest.raises(NotMovable, match="cannot be paid out: waiting"):
        disburse_loan(loan_id=loan.pk, disbursed_by=checker, at=now)
    approve_loan(loan_id=loan.pk, approved_by=checker, at=now)
    for _ in range(2):
        loan = disburse_loan(loan_id=loan.pk, disbursed_by=checker, at=now)
    pay_out(loan, at=now)

    assert [transfer.amount for transfer in world.paid()] == [7200]
    with pytest.raises(NotMovable):
        cancel_loan(loan_id=loan.pk, cancelled_by=checker, reason="Late", at=now)


def test_failed_payout_is_retried_from_the_loan(
    alice: User, maker: User, checker: User, world: World, now: datetime
) -> None:
    loan = make(maker, at=now)
    approve_loan(loan_id=loan.pk, approved_by=checker, at=now)
    loan = disburse_loan(loan_id=loan.pk, disbursed_by=checker, at=now)
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    for seconds in (0, 10):
        advance_disbursement(disbursement_id=loan.disbursement_id, at=now + timedelta(seconds=seconds))
    loan.refresh_from_db()
    assert loan.error_code
    assert broken() == set()

    retry_payout(loan_id=loan.pk, requested_by=checker, reason="Wallet opened", at=now + timedelta(hours=1))

    assert pay_out(loan, at=now + timedelta(hours=1)).status == "DISBURSED"
    assert len(world.paid()) == 1
    assert broken() == set()
