"""Repayments taken back: every figure is what it was, and the trail tells of both."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from audit.models import AuditEvent
from loans.models import Loan, Repayment, ScoreChange
from loans.services.reversals import NotReversible, reverse_repayment
from loans.services.write_offs import write_off_loan
from notifications.models import SmsMessage
from tests.loans.books import balances, broken, fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


def take_back(repayment: Repayment, boss: User, *, at: datetime, reason: str = "Bounced") -> Repayment:
    return reverse_repayment(repayment_id=repayment.pk, reversed_by=boss, reason=reason, at=at)


def state(loan: Loan) -> dict[str, object]:
    """Everything a repayment changes."""
    loan.refresh_from_db()
    profile = profile_of(loan.customer)
    return {
        "loan": (loan.status, loan.amount_paid, loan.outstanding, loan.points_applied, loan.completed_at),
        "profile": (profile.score, profile.credit_limit, profile.total_repaid, profile.outstanding, profile.overpaid),
        "standing": profile.repayment_status,
        "ledger": balances(),
    }


@pytest.mark.parametrize("amount", [1, 4000, 10_000, 12_500])
def test_everything_is_as_if_it_had_never_come(boss: User, loan: Loan, now: datetime, amount: int) -> None:
    before = state(loan)
    repayment = repay(loan, amount, at=now + timedelta(days=1)).repayment
    assert state(loan) != before

    reversed_one = take_back(repayment, boss, at=now + timedelta(days=2))

    assert state(loan) == before
    assert (reversed_one.status, reversed_one.reversed_by, reversed_one.reversal_reason) == (
        "reversed",
        boss,
        "Bounced",
    )
    event = AuditEvent.objects.get(action="loan.repayment_reversed")
    assert (event.actor_id, event.reason) == (str(boss.pk), "Bounced")
    assert "You now owe NGN 10,000" in SmsMessage.objects.get(template="loan.repayment_reversed").body
    assert broken() == set()


def test_score_and_limit_go_back_and_history_tells_why(alice: User, boss: User, loan: Loan, now: datetime) -> None:
    for _ in range(2):
        repay(loan, 1000, at=now + timedelta(days=1))
    last = repay(loan, 8000, at=now + timedelta(days=1)).repayment
    top = profile_of(alice)

    take_back(last, boss, at=now + timedelta(days=2))

    change = ScoreChange.objects.order_by("-id").first()
    assert change is not None
    assert (change.reason, change.repayment, change.loan) == ("reversal", last, loan)
    assert (change.score_before, change.score_after) == (top.score, 305)
    assert profile_of(alice).score == 305
    assert broken() == set()


def test_twice_changes_nothing(boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, at=now + timedelta(days=1)).repayment
    take_back(repayment, boss, at=now + timedelta(days=2))
    before, events = state(loan), len(actions())

    again = take_back(repayment, boss, at=now + timedelta(days=3), reason="Once more")

    assert again.reversal_reason == "Bounced"
    assert (state(loan), len(actions())) == (before, events)


def test_repeat_of_what_was_taken_back_is_not_booked_again(boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, reference="ABC", at=now + timedelta(days=1)).repayment
    take_back(repayment, boss, at=now + timedelta(days=2))

    again = repay(loan, 4000, reference="ABC", at=now + timedelta(days=3))

    assert (again.repayment, again.is_new, again.repayment.status) == (repayment, False, "reversed")
    loan.refresh_from_db()
    assert loan.outstanding == 10_000


@pytest.mark.parametrize(
    ("paid_before", "day", "status"),
    [(0, 5, "DISBURSED"), (2000, 5, "REPAYING"), (2000, 30, "REPAYING"), (2000, 31, "OVERDUE"), (0, 90, "OVERDUE")],
)
def test_completed_loan_is_owed_again_by_its_due_date(
    boss: User, loan: Loan, now: datetime, paid_before: int, day: int, status: str
) -> None:
    if paid_before:
        repay(loan, paid_before, at=now + timedelta(days=1))
    last = repay(loan, 10_000 - paid_before, at=now + timedelta(days=2)).repayment

    take_back(last, boss, at=now + timedelta(days=day))

    loan.refresh_from_db()
    assert (loan.status, loan.completed_at, loan.overdue_at is not None) == (status, None, status == "OVERDUE")
    assert broken() == set()


def test_money_that_went_to_other_loans_is_taken_back_from_them(
    alice: User, boss: User, loan: Loan, now: datetime
) -> None:
    first = paid_out_loan(alice, at=now, amount=3000, days=20)
    second = paid_out_loan(alice, at=now, amount=4000, days=40)
    before = [state(one) for one in (loan, first, second)]
    repayment = repay(loan, 15_000, at=now + timedelta(days=1)).repayment
    assert [state(one)["loan"][0] for one in (loan, first, second)] == ["COMPLETED", "COMPLETED", "REPAYING"]

    take_back(repayment, boss, at=now + timedelta(days=2))

    assert [state(one) for one in (loan, first, second)] == before
    assert set(Repayment.objects.values_list("status", flat=True)) == {"reversed"}
    assert broken() == set()


def test_held_money_of_other_payments_settles_what_is_owed_anew(
    alice: User, boss: User, loan: Loan, now: datetime
) -> None:
    bounced = repay(loan, 10_000, at=now + timedelta(days=1)).repayment
    repay(loan, 700, at=now + timedelta(days=2))

    take_back(bounced, boss, at=now + timedelta(days=3))

    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("REPAYING", 9300)
    assert profile_of(alice).overpaid == 0
    assert broken() == set()


def test_what_we_took_ourselves_is_taken_back_with_its_source_only(
    boss: User, alice: User, loan: Loan, now: datetime
) -> None:
    other = paid_out_loan(alice, at=now, amount=3000)
    repay(loan, 11_000, at=now + timedelta(days=1))
    used = Repayment.objects.get(loan=other)

    with pytest.raises(NotReversible, match="paid too much"):
        take_back(used, boss, at=now + timedelta(days=2))

    used.refresh_from_db()
    assert used.status == "completed"


def test_reason_is_required(boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, at=now + timedelta(days=1)).repayment
    with pytest.raises(NotReversible, match="Say why"):
        take_back(repayment, boss, at=now, reason="  ")
    assert "loan.repayment_reversed" not in actions()


def test_payment_of_a_loan_written_off_since_is_lost_too(alice: User, boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, at=now + timedelta(days=1)).repayment
    write_off_loan(loan_id=loan.pk, written_off_by=boss, reason="Gone", at=now + timedelta(days=200))

    take_back(repayment, boss, at=now + timedelta(days=201))

    loan.refresh_from_db()
    assert (loan.status, loan.outstanding) == ("WRITTEN_OFF", 10_000)
    assert balances() == {"written_off": 10_000, "interest_income": -1000}
    assert profile_of(alice).outstanding == 0
    assert broken() == set()
