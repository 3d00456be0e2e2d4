"""Credit profiles: opened once, moved by repayments and lateness, set by staff; each change leaves its trail."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.models import AuditEvent
from loans.configuration import CreditSettings
from loans.eligibility import BorrowerFacts
from loans.explanations import explain_points
from loans.models import CreditProfile, Loan, ScoreChange
from loans.scoring import write_off_penalty
from loans.services.credit import (
    CreditRefusal,
    InvalidCredit,
    OwnCredit,
    adjust_credit,
    apply_loan_points,
    apply_penalty,
    facts_of,
    open_profile,
)
from loans.statuses import ScoreReason
from tests.loans.conftest import actions, make_profile
from tests.loans.rows import make_loan

Configure = Callable[..., Any]


def pay(loan: Loan, amount: int, *, at: datetime) -> bool:
    """As a booked repayment leaves the loan: so much is paid by now, and when it is all, it is complete."""
    with transaction.atomic():
        loan.amount_paid = Decimal(amount)
        loan.outstanding = loan.amount - loan.amount_paid
        loan.completed_at = at if not loan.outstanding else None
        loan.save(update_fields=["amount_paid", "outstanding", "completed_at"])
        profile = open_profile(customer=loan.customer, at=at)
        return apply_loan_points(profile=profile, loan=loan, repayment=None, reason=ScoreReason.REPAYMENT, at=at)


def standing(customer: User) -> tuple[int, int]:
    profile = CreditProfile.objects.get(pk=customer.pk)
    return profile.score, int(profile.credit_limit)


# Opening


@pytest.mark.django_db
def test_newcomer_has_the_starting_values(alice: User, now: datetime) -> None:
    facts = facts_of(None, CreditSettings())
    with transaction.atomic():
        profile = open_profile(customer=alice, at=now)

    assert facts == facts_of(profile, CreditSettings())
    assert facts == BorrowerFacts(score=300, credit_limit=Decimal(10_000), automatic_limit=True, total_loans=0)
    assert profile.created_at == now


@pytest.mark.django_db
def test_profile_that_is_there_costs_one_statement_and_is_locked(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=512)
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as statements,
    ):
        assert open_profile(customer=alice, at=now).score == 512
    locking = [entry["sql"] for entry in statements if "loans_credit_profile" in entry["sql"]]
    assert len(locking) == 1
    assert "FOR NO KEY UPDATE" in locking[0]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_open_one_profile(alice: User, now: datetime) -> None:
    barrier, opened = Barrier(4), []

    def open_one() -> None:
        try:
            barrier.wait()
            with transaction.atomic():
                opened.append(open_profile(customer=alice, at=now).pk)
        finally:
            connection.close()

    threads = [Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert opened == [alice.pk] * 4
    assert CreditProfile.objects.count() == 1


# Repayments


@pytest.mark.django_db
def test_repaying_in_two_parts_raises_score_and_limit_and_taking_back_restores_them(
    alice: User, now: datetime, configure: Configure
) -> None:
    """Of 10,000: 4,000 at once (5 points), the rest five days early (15 for all of it, and 15 for the time)."""
    configure(CreditSettings)
    make_profile(alice, at=now, score=430, total_loans=1)
    loan = make_loan(alice, at=now)

    assert pay(loan, 4_000, at=now)
    assert standing(alice) == (435, 15_000)
    assert pay(loan, 10_000, at=now + timedelta(days=25))
    assert standing(alice) == (460, 20_000)
    assert loan.points_applied == 30
    pay(loan, 4_000, at=now + timedelta(days=26))
    assert standing(alice) == (435, 15_000)
    pay(loan, 0, at=now + timedelta(days=27))
    assert standing(alice) == (430, 15_000)
    assert loan.points_applied == 0

    changes = ScoreChange.objects.filter(customer=alice).order_by("id")
    assert [(change.score_before, change.score_after, change.limit_after) for change in changes] == [
        (430, 435, 15_000),
        (435, 460, 20_000),
        (460, 435, 15_000),
        (435, 430, 15_000),
    ]
    assert {change.configuration_version for change in changes} == {7}
    assert all(change.loan == loan for change in changes)
    assert actions("credit.") == ["credit.score_changed"] * 4


@pytest.mark.django_db
def test_same_points_again_change_and_write_nothing(alice: User, now: datetime) -> None:
    loan = make_loan(alice, at=now)
    assert pay(loan, 4_000, at=now)
    assert not pay(loan, 4_500, at=now)

    assert standing(alice) == (305, 10_000)
    assert ScoreChange.objects.count() == 1


@pytest.mark.django_db
def test_points_beyond_the_highest_score_are_remembered_as_not_counted(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=840, total_loans=1)
    loan = make_loan(alice, at=now)

    pay(loan, 10_000, at=now)
    assert (standing(alice)[0], loan.points_applied) == (850, 10)
    pay(loan, 0, at=now)
    assert (standing(alice)[0], loan.points_applied) == (840, 0)


@pytest.mark.django_db
def test_due_date_is_judged_by_the_countrys_day(alice: User, now: datetime) -> None:
    """23:30 UTC is half past midnight in Lagos: a day late."""
    loan = make_loan(alice, at=now, due_date=now.date())
    pay(loan, 10_000, at=now.replace(hour=23, minute=30))

    change = ScoreChange.objects.get()
    assert change.explanation["timing"] == {"days_after_due": 1, "tier": "1 to 7", "points": 5}
    assert explain_points(change.explanation) == [
        "Repaid 10,000 of the loan, the tier 5000 to 19999: +15 points.",
        "Repaid in full 1 day after the due date, the tier 1 to 7: +5 points.",
        "In all +20 points for this loan.",
    ]


@pytest.mark.django_db
def test_limit_that_staff_set_stays_when_the_score_rises(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=440, credit_limit=Decimal(3_000), automatic_limit=False, total_loans=1)
    loan = make_loan(alice, at=now)
    pay(loan, 10_000, at=now)

    assert standing(alice) == (475, 3_000)


@pytest.mark.django_db
def test_changed_tiers_reach_an_automatic_limit_at_once(alice: User, now: datetime, configure: Configure) -> None:
    profile = make_profile(alice, at=now, score=460, credit_limit=Decimal(10_000), total_loans=1)
    assert facts_of(profile, CreditSettings()).credit_limit == 20_000


# Penalties


@pytest.mark.django_db
def test_penalty_lowers_score_and_limit_and_stops_at_nothing(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, total_loans=1)
    loan = make_loan(alice, at=now)
    penalty = write_off_penalty(CreditSettings())

    def punish() -> bool:
        with transaction.atomic():
            return apply_penalty(
                profile=open_profile(customer=alice, at=now),
                loan=loan,
                points=penalty.points,
                reason=ScoreReason.WRITE_OFF,
                explanation=penalty.explanation,
                at=now,
            )

    assert [punish(), punish(), punish()] == [True, True, False]
    assert standing(alice) == (0, 5_000)
    changes = list(ScoreChange.objects.order_by("id"))
    assert [(change.score_after, change.limit_after, change.reason) for change in changes] == [
        (150, 5_000, "write_off"),
        (0, 5_000, "write_off"),
    ]
    assert explain_points(changes[0].explanation) == ["Written off: -150 points."]


# Staff


@pytest.fixture
def officer() -> User:
    return User.objects.create_user(email="officer@example.com", password="x")


def adjust(customer: User, officer: User, at: datetime, **changes: Any) -> CreditProfile:
    values: dict[str, Any] = {
        "score": 500,
        "credit_limit": Decimal(15_000),
        "automatic_limit": False,
        "reason": "Payslip",
    }
    return adjust_credit(customer_id=customer.pk, changed_by=officer, at=at, **values | changes)


@pytest.mark.django_db
def test_staff_set_score_and_limit_of_somebody_without_a_profile(alice: User, officer: User, now: datetime) -> None:
    profile = adjust(alice, officer, now, reason="  Payslip seen ")

    assert (profile.score, profile.credit_limit, profile.automatic_limit) == (500, 15_000, False)
    change = ScoreChange.objects.get()
    assert (change.reason, change.note, change.changed_by) == ("staff", "Payslip seen", officer)
    assert (change.score_before, change.score_after) == (300, 500)
    assert (change.limit_before, change.limit_after) == (10_000, 15_000)
    assert explain_points(change.explanation) == ["Staff set the limit from now on."]
    event = AuditEvent.objects.get(action="credit.adjusted")
    assert (event.actor_label, event.reason, event.target_id) == ("officer@example.com", "Payslip seen", str(alice.pk))
    assert event.before == {"score": 300, "credit_limit": "10000", "automatic_limit": True}


@pytest.mark.django_db
def test_limit_given_back_to_the_score_follows_it_at_once(alice: User, officer: User, now: datetime) -> None:
    make_profile(alice, at=now, score=300, credit_limit=Decimal(1), automatic_limit=False, total_loans=2)

    profile = adjust(alice, officer, now, score=700, credit_limit=None, automatic_limit=True)

    assert (profile.credit_limit, profile.automatic_limit) == (60_000, True)


@pytest.mark.django_db
def test_same_values_again_leave_no_second_trail(alice: User, officer: User, now: datetime) -> None:
    adjust(alice, officer, now)
    adjust(alice, officer, now)

    assert ScoreChange.objects.count() == AuditEvent.objects.filter(action="credit.adjusted").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"score": -1}, "from 0 to 850"),
        ({"score": 851}, "from 0 to 850"),
        ({"credit_limit": None}, "Give a limit"),
        ({"credit_limit": Decimal(-1)}, "from 0 to"),
        ({"credit_limit": Decimal("NaN")}, "from 0 to"),
        ({"credit_limit": Decimal("1e15")}, "from 0 to"),
        ({"credit_limit": Decimal("1.001")}, "more decimals"),
        ({"reason": "  "}, "Say why"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_written(
    alice: User, officer: User, now: datetime, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidCredit, match=words):
        adjust(alice, officer, now, **changes)
    assert not CreditProfile.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="credit.").exists()


@pytest.mark.django_db
def test_nobody_decides_about_their_own_credit(officer: User, now: datetime) -> None:
    with pytest.raises(OwnCredit) as refused:
        adjust(officer, officer, now)
    assert isinstance(refused.value, CreditRefusal)
    assert not CreditProfile.objects.exists()


# What the database refuses


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["credit_limit", "outstanding", "overpaid", "total_repaid"])
def test_database_refuses_negative_sums(alice: User, now: datetime, field: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_profile(alice, at=now, **{field: Decimal(-1)})


@pytest.mark.django_db
def test_history_cannot_be_rewritten_or_removed(alice: User, officer: User, now: datetime) -> None:
    adjust(alice, officer, now)
    for act in (
        lambda: ScoreChange.objects.update(score_after=850),
        lambda: ScoreChange.objects.all().delete(),
        lambda: CreditProfile.objects.all().delete(),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            act()
    assert ScoreChange.objects.get().score_after == 500
