"""What a payout's outcome does to loan, limit, ledger, session and customer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.services.advance import advance_disbursement
from disbursements.services.decisions import cancel_disbursement, retry_disbursement
from disbursements.statuses import ErrorClass
from ledger.models import Posting
from loans.configuration import LoanSettings
from loans.first_answers import FirstAnswer
from loans.models import CreditProfile, Loan
from loans.services.payouts import LoanPayouts
from loans.sessions import read_session
from loans.words import payouts as words
from notifications.gsm7 import to_gsm7
from notifications.models import SmsMessage
from tests.disbursements.fake_provider import World, refused
from tests.loans.books import balances, broken, fake_world, pay_out, repay
from tests.loans.conftest import ALICE, actions, make_customer
from tests.loans.test_approval_races import approve, offer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime, world: World) -> Loan:
    """10,000 approved of which 9,000 are to be paid out, its session still there."""
    offer(at=now)
    approve(at=now, option=3)
    return Loan.objects.get()


def messages() -> list[str]:
    return list(SmsMessage.objects.order_by("created_at").values_list("body", flat=True))


def fail(loan: Loan, world: World, *, at: datetime) -> Loan:
    """The provider takes it, and says later that it failed for good."""
    world.next_fates.append(refused(ErrorClass.PERMANENT, "PAYEE_NOT_FOUND"))
    advance_disbursement(disbursement_id=loan.disbursement_id, at=at)
    advance_disbursement(disbursement_id=loan.disbursement_id, at=at + timedelta(seconds=10))
    loan.refresh_from_db()
    assert loan.error_code
    return loan


def test_paid_out_loan_is_owed(loan: Loan, now: datetime) -> None:
    assert balances() == {"receivable": 9_000}

    pay_out(loan, at=now)

    assert (loan.status, loan.outstanding, loan.error_code, loan.announced_at) == ("DISBURSED", 10_000, "", None)
    assert loan.due_date.isoformat() == "2026-12-20"
    profile = CreditProfile.objects.get()
    assert (profile.total_borrowed, profile.outstanding, profile.repayment_status) == (10_000, 10_000, "PENDING")
    assert balances() == {"receivable": 10_000, "interest_income": -1_000}
    assert Posting.objects.filter(key=f"loan:{loan.pk}:interest").count() == 1
    assert actions("loan.") == ["loan.approved", "loan.disbursed"]
    assert messages() == [f"You got NGN 9,000, loan {loan.number}. Repay NGN 10,000 by 20/12/2026. Thank you."]
    assert broken() == set()


def test_session_ends_when_the_payout_is_confirmed(loan: Loan, now: datetime) -> None:
    assert read_session(ALICE).session is not None

    pay_out(loan, at=now)

    assert read_session(ALICE).session is None


def test_session_of_a_later_offer_stays(loan: Loan, now: datetime) -> None:
    offer("later", at=now)

    pay_out(loan, at=now)

    session = read_session(ALICE).session
    assert session is not None and session.session_id == "later"


def test_repeat_after_the_payout_gets_the_first_answer(loan: Loan, now: datetime) -> None:
    pay_out(loan, at=now)

    again = approve(at=now + timedelta(minutes=1), option=3)

    assert again.is_repeat and again.loan is not None
    assert (again.loan.id, again.loan.status) == (loan.pk, "APPROVED")
    assert Disbursement.objects.count() == 1


def test_due_date_moves_when_the_money_comes_on_a_later_day(loan: Loan, now: datetime) -> None:
    """The country's day: half past eleven at night in UTC is the next one in Lagos."""
    pay_out(loan, at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))

    assert loan.due_date.isoformat() == "2026-12-23"


def test_loan_without_interest_posts_none(alice: User, now: datetime, world: World, configure: Callable) -> None:
    configure(LoanSettings, interest_rate_tiers=(), default_interest_rate=Decimal(0), min_interest_rate=Decimal(0))
    approve(at=now, option=3)

    pay_out(Loan.objects.get(), at=now)

    assert balances() == {"receivable": 10_000}
    assert broken() == set()


def test_held_money_settles_the_new_loan_at_once(loan: Loan, now: datetime) -> None:
    pay_out(loan, at=now)
    repay(loan, 12_000, at=now)
    offer("next", at=now + timedelta(hours=3))
    approve("next", at=now + timedelta(hours=3), option=1)
    second = Loan.objects.get(status="APPROVED")

    pay_out(second, at=now + timedelta(hours=3))

    second.refresh_from_db()
    assert (second.status, second.outstanding) == ("REPAYING", second.amount - 2_000)
    assert CreditProfile.objects.get().overpaid == 0
    assert broken() == set()


# Failed for good


def test_failed_payout_leaves_the_loan_approved_and_the_session(loan: Loan, now: datetime, world: World) -> None:
    fail(loan, world, at=now)

    assert (loan.status, loan.error_code, loan.disbursed_at) == ("APPROVED", "PAYEE_NOT_FOUND", None)
    session = read_session(ALICE).session
    assert session is not None and session.instance == loan.session_instance
    profile = CreditProfile.objects.get()
    assert (profile.outstanding, profile.total_loans, profile.total_borrowed) == (10_000, 1, 0)
    assert balances() == {}
    assert messages() == [
        f"We could not yet send NGN 9,000 of your loan {loan.number}. We are looking into it; you owe nothing yet."
    ]
    assert actions("loan.") == ["loan.approved", "loan.payout_failed"]
    assert broken() == set()


def test_payout_is_tried_again_after_two_four_and_eight_seconds(loan: Loan, now: datetime, world: World) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY, "INTERNAL_PROCESSING_ERROR")] * 4
    at, waits = now, []
    for _try in range(4):
        # Sent, then asked about.
        advance_disbursement(disbursement_id=loan.disbursement_id, at=at)
        at += timedelta(seconds=10)
        advance_disbursement(disbursement_id=loan.disbursement_id, at=at)
        payout = Disbursement.objects.get()
        if payout.next_action_at is None:
            break
        waits.append((payout.next_action_at - at).total_seconds())
        at = payout.next_action_at

    loan.refresh_from_db()
    assert waits == [2, 4, 8]
    assert (payout.status, loan.status, loan.error_code) == ("failed", "APPROVED", "INTERNAL_PROCESSING_ERROR")


def test_staff_retry_pays_and_tells(loan: Loan, now: datetime, world: World, boss: User) -> None:
    fail(loan, world, at=now)
    retry_disbursement(disbursement_id=loan.disbursement_id, requested_by=boss, reason="number checked", at=now)
    loan.refresh_from_db()
    assert (loan.status, loan.error_code, loan.error_message) == ("APPROVED", "", "")

    pay_out(loan, at=now + timedelta(minutes=1))

    assert [transfer.amount for transfer in world.paid()] == [Decimal(9_000)]
    assert len(messages()) == 2
    assert actions("loan.") == ["loan.approved", "loan.payout_failed", "loan.payout_retried", "loan.disbursed"]
    assert broken() == set()


def test_each_failure_is_told_once(loan: Loan, now: datetime, world: World, boss: User) -> None:
    fail(loan, world, at=now)
    retry_disbursement(
        disbursement_id=loan.disbursement_id, requested_by=boss, reason="again", at=now + timedelta(seconds=30)
    )
    fail(loan, world, at=now + timedelta(minutes=1))

    assert SmsMessage.objects.filter(template="loan.payout_failed").count() == 2


def test_failed_payout_is_asked_about_in_the_database_from_then_on(loan: Loan, now: datetime, world: World) -> None:
    """Also when the answer was about to be kept while the payout failed."""
    (kept,) = _answers().values()
    assert json.loads(kept)["id"] == str(loan.pk)

    fail(loan, world, at=now)
    assert list(_answers().values()) == [b""]

    late = FirstAnswer(key=loan.idempotency_key, lock="", word="granted")
    late.keep({"id": "late"}, seconds=60)
    assert list(_answers().values()) == [b""]


def _answers() -> dict[bytes, bytes]:
    client = get_redis_connection("sessions")
    return {key: client.get(key) for key in client.keys(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:*")}


# Cancelled


def test_cancelled_payout_gives_limit_and_count_back(loan: Loan, now: datetime, boss: User) -> None:
    cancel_disbursement(disbursement_id=loan.disbursement_id, cancelled_by=boss, reason="wrong person", at=now)

    loan.refresh_from_db()
    assert loan.status == "CANCELLED"
    profile = CreditProfile.objects.get()
    assert (profile.outstanding, profile.total_loans, profile.last_loan_at) == (0, 0, None)
    assert balances() == {}
    assert messages() == [
        f"Your loan {loan.number} of NGN 10,000 was cancelled. You owe nothing for it. Please contact customer care."
    ]
    assert broken() == set()


# Said again


def test_each_outcome_heard_twice_changes_nothing(loan: Loan, now: datetime, world: World, boss: User) -> None:
    owner, payout = LoanPayouts(), loan.disbursement
    assert payout is not None

    def hear_again(*names: str) -> None:
        before = (actions(), messages(), balances(), CreditProfile.objects.values().get(), Loan.objects.values().get())
        for name in names:
            with transaction.atomic():
                getattr(owner, name)(Disbursement.objects.get(), now)
        after = (actions(), messages(), balances(), CreditProfile.objects.values().get(), Loan.objects.values().get())
        assert after == before

    hear_again("on_retried")
    fail(loan, world, at=now)
    hear_again("on_failed")
    retry_disbursement(disbursement_id=payout.pk, requested_by=boss, reason="again", at=now)
    hear_again("on_retried")
    pay_out(loan, at=now + timedelta(minutes=1))
    hear_again("on_paid", "on_failed", "on_retried", "on_cancelled")


def test_cancelling_heard_twice_changes_nothing(loan: Loan, now: datetime, boss: User) -> None:
    cancel_disbursement(disbursement_id=loan.disbursement_id, cancelled_by=boss, reason="wrong", at=now)
    before = CreditProfile.objects.values().get()

    with transaction.atomic():
        LoanPayouts().on_cancelled(Disbursement.objects.get(), now)

    assert CreditProfile.objects.values().get() == before


# Words


@pytest.mark.parametrize("language", ["en", "rw", "sw", "fr", ""])
def test_customer_is_told_in_their_language(language: str, now: datetime, world: World) -> None:
    make_customer(ALICE, language=language)
    approve(at=now, option=3)
    loan = pay_out(Loan.objects.get(), at=now)

    expected = words.SMS["loan.paid"][language or "en"].format(
        disbursed="NGN 9,000", amount="NGN 10,000", day="20/12/2026", number=loan.number
    )
    # SMS letters only: some French ones are written without their accents.
    assert messages() == [to_gsm7(expected)]
