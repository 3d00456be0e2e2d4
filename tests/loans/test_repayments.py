"""Repayments told in figures: a loan of 10,000, of which the customer got 9,000."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from loans.models import Loan, Repayment, ScoreChange
from loans.services.repayments import InvalidRepayment, LoanNotOwed, RepaymentConflict
from notifications.models import SmsMessage
from tests.loans.books import (
    approved_loan,
    balances,
    broken,
    fake_world,
    paid_out_loan,
    profile_of,
    repay,
)
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


def facts(loan: Loan) -> tuple[str, int, int]:
    loan.refresh_from_db()
    return loan.status, int(loan.amount_paid), int(loan.outstanding)


def test_partial_repayment_moves_everything_once(alice: User, loan: Loan, now: datetime) -> None:
    result = repay(loan, 4000, at=now + timedelta(days=3))

    assert result.is_new
    assert facts(loan) == ("REPAYING", 4000, 6000)
    profile = profile_of(alice)
    assert (profile.total_repaid, profile.outstanding, profile.overpaid) == (4000, 6000, 0)
    assert (profile.repayment_status, profile.score) == ("PARTIAL", 305)
    assert balances() == {"receivable": 6000, "collected:bank": 4000, "interest_income": -1000}
    assert actions("loan.repaid", "credit") == ["credit.score_changed", "loan.repaid"]
    sms = SmsMessage.objects.get(key=f"loan:repayment:{result.repayment.pk}")
    assert sms.body == (
        f"We received NGN 4,000 for loan {loan.number}. You still owe NGN 6,000, due on 20/12/2026. Thank you."
    )
    assert broken() == set()


def test_many_small_repayments_earn_what_one_large_one_earns(alice: User, bob: User, now: datetime) -> None:
    at_once, bit_by_bit = paid_out_loan(alice, at=now), paid_out_loan(bob, at=now)
    repay(at_once, 10_000, at=now + timedelta(days=10))
    for _ in range(5):
        repay(bit_by_bit, 2000, at=now + timedelta(days=10))

    assert facts(at_once) == facts(bit_by_bit) == ("COMPLETED", 10_000, 0)
    # 15 for the amount, 20 for more than a week early.
    assert profile_of(alice).score == profile_of(bob).score == 335
    assert profile_of(alice).repayment_status == "COMPLETED"
    assert broken() == set()


def test_day_of_payment_counts_and_not_the_day_of_booking(alice: User, loan: Loan, now: datetime) -> None:
    paid, entered = now + timedelta(days=29), now + timedelta(days=40)

    repay(loan, 10_000, received_at=paid, at=entered)

    loan.refresh_from_db()
    assert loan.completed_at == paid
    assert ScoreChange.objects.get().explanation["timing"]["days_after_due"] == -1


def test_money_from_before_the_payout_counts_from_the_payout(loan: Loan, now: datetime) -> None:
    repay(loan, 10_000, received_at=now - timedelta(days=50), at=now + timedelta(days=1))

    loan.refresh_from_db()
    assert loan.completed_at == loan.disbursed_at


def test_overdue_loan_stays_overdue_until_all_is_paid(loan: Loan, now: datetime) -> None:
    Loan.objects.filter(pk=loan.pk).update(status="OVERDUE", overdue_at=now)
    late = now + timedelta(days=45)

    repay(loan, 9999, at=late)
    assert facts(loan) == ("OVERDUE", 9999, 1)
    repay(loan, 1, at=late)
    assert facts(loan) == ("COMPLETED", 10_000, 0)


@pytest.mark.parametrize("channel", ["staff", "paid_in", "request_to_pay", "file"])
def test_repeat_changes_nothing_whoever_tells_it(alice: User, loan: Loan, now: datetime, channel: str) -> None:
    first = repay(loan, 4000, reference="ABC", at=now + timedelta(days=1))
    before = balances(), profile_of(alice).score, len(actions())

    again = repay(loan, 4000, reference=" ABC ", channel=channel, at=now + timedelta(days=2))

    assert (again.repayment, again.is_new) == (first.repayment, False)
    assert (balances(), profile_of(alice).score, len(actions())) == before
    assert facts(loan) == ("REPAYING", 4000, 6000)
    assert SmsMessage.objects.filter(template="loan.partly_repaid").count() == 1


def test_same_reference_of_another_rail_is_other_money(loan: Loan, now: datetime) -> None:
    at = now + timedelta(days=1)
    assert repay(loan, 1000, rail="bank", reference="7", at=at).is_new
    assert repay(loan, 1000, rail="cash", reference="7", at=at).is_new
    assert facts(loan) == ("REPAYING", 2000, 8000)


def test_used_reference_for_other_money_is_refused(bob: User, loan: Loan, now: datetime) -> None:
    other = paid_out_loan(bob, at=now)
    at = now + timedelta(days=1)
    repay(loan, 4000, reference="ABC", at=at)
    before = balances()

    with pytest.raises(RepaymentConflict, match=f"NGN 4,000 for loan {loan.number}"):
        repay(loan, 4001, reference="ABC", at=at)
    with pytest.raises(RepaymentConflict):
        repay(other, 4000, reference="ABC", at=at)

    assert balances() == before
    assert Repayment.objects.count() == 1
    assert facts(other) == ("DISBURSED", 0, 10_000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": Decimal(0)}, "not an amount"),
        ({"amount": Decimal(-5)}, "not an amount"),
        ({"amount": Decimal("0.001")}, "not an amount"),
        ({"amount": Decimal("NaN")}, "not an amount"),
        ({"amount": Decimal(10) ** 12}, "not an amount"),
        ({"currency": "RWF"}, "repaid in NGN"),
        ({"reference": "  "}, "1 to 100"),
        ({"reference": "x" * 101}, "1 to 100"),
        ({"rail": "credit"}, "do not come in by"),
        ({"rail": "pigeon"}, "do not come in by"),
        ({"received_at": datetime.fromisoformat("2999-01-01T00:00:00+00:00")}, "future"),
    ],
)
def test_what_cannot_be_a_repayment_is_refused(loan: Loan, now: datetime, changes: dict, words: str) -> None:
    with pytest.raises(InvalidRepayment, match=words):
        repay(loan, **{"amount": 100, "at": now + timedelta(days=1)} | changes)
    assert not Repayment.objects.exists()


def test_loan_that_was_not_paid_out_takes_no_money(alice: User, now: datetime) -> None:
    loan = approved_loan(alice, at=now)
    with pytest.raises(LoanNotOwed, match="has not been paid out"):
        repay(loan, 100, at=now)
    assert not Repayment.objects.exists()


# Too much


def test_rest_of_a_payment_settles_the_other_loans_oldest_due_first(alice: User, now: datetime) -> None:
    later = paid_out_loan(alice, at=now, amount=4000, days=60)
    sooner = paid_out_loan(alice, at=now, amount=3000, days=20)
    paid = paid_out_loan(alice, at=now, amount=2000, days=40)

    repay(paid, 6000, at=now + timedelta(days=1))

    assert facts(paid) == ("COMPLETED", 2000, 0)
    assert facts(sooner) == ("COMPLETED", 3000, 0)
    assert facts(later) == ("REPAYING", 1000, 3000)
    profile = profile_of(alice)
    assert (profile.total_repaid, profile.outstanding, profile.overpaid) == (6000, 3000, 0)
    assert balances() == {"receivable": 3000, "collected:bank": 6000, "interest_income": -900}
    used = Repayment.objects.filter(rail="credit").order_by("created_at", "amount")
    assert sorted((repayment.loan.number, int(repayment.amount)) for repayment in used) == sorted(
        [(sooner.number, 3000), (later.number, 1000)]
    )
    assert SmsMessage.objects.filter(template="loan.credit_used").count() == 2
    assert broken() == set()


def test_what_nothing_is_owed_for_is_held_and_pays_the_next_loan(alice: User, loan: Loan, now: datetime) -> None:
    result = repay(loan, 12_500, at=now + timedelta(days=1))

    assert facts(loan) == ("COMPLETED", 10_000, 0)
    assert (result.repayment.applied, result.repayment.overpaid) == (10_000, 2500)
    profile = profile_of(alice)
    assert (profile.total_repaid, profile.overpaid, profile.repayment_status) == (10_000, 2500, "COMPLETED")
    assert balances() == {"collected:bank": 12_500, "interest_income": -1000, "overpaid": -2500}
    assert "we hold NGN 2,500 of yours" in SmsMessage.objects.get(template="loan.overpaid").body
    assert broken() == set()

    following = paid_out_loan(alice, at=now + timedelta(days=2))

    assert facts(following) == ("REPAYING", 2500, 7500)
    assert profile_of(alice).overpaid == 0
    assert balances() == {"receivable": 7500, "collected:bank": 12_500, "interest_income": -2000}
    assert "You still owe NGN 7,500" in SmsMessage.objects.get(template="loan.credit_used").body
    assert broken() == set()


def test_money_for_a_repaid_loan_is_held(alice: User, loan: Loan, now: datetime) -> None:
    repay(loan, 10_000, at=now + timedelta(days=1))
    score = profile_of(alice).score

    result = repay(loan, 300, at=now + timedelta(days=2))

    assert (result.repayment.applied, result.repayment.overpaid) == (0, 300)
    assert (profile_of(alice).overpaid, profile_of(alice).score) == (300, score)
    assert facts(loan) == ("COMPLETED", 10_000, 0)
    assert broken() == set()


def test_standing_is_over_all_that_is_owed(alice: User, now: datetime) -> None:
    first = paid_out_loan(alice, at=now)
    repay(first, 1000, at=now + timedelta(days=1))
    assert profile_of(alice).repayment_status == "PARTIAL"

    second = paid_out_loan(alice, at=now + timedelta(days=2), amount=5000)
    assert profile_of(alice).repayment_status == "PENDING"

    repay(first, 1000, at=now + timedelta(days=3))
    assert profile_of(alice).repayment_status == "PARTIAL"
    repay(first, 8000, at=now + timedelta(days=4))
    assert profile_of(alice).repayment_status == "PENDING"
    repay(second, 5000, at=now + timedelta(days=4))
    assert profile_of(alice).repayment_status == "COMPLETED"


def test_customer_reads_it_in_their_language(bob: User, now: datetime) -> None:
    bob.language = "sw"
    bob.save()
    repay(paid_out_loan(bob, at=now), 10_000, at=now)
    assert "umelipwa wote" in SmsMessage.objects.get(template="loan.repaid_in_full").body
