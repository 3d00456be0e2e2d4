"""Approvals after their first loan: cancelled, failed, retried; and troubles that pass."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from audit.models import AuditEvent
from configuration.selectors import SettingsUnknown
from disbursements.configuration import NigeriaPayments
from disbursements.models import Disbursement
from disbursements.services.advance import advance_disbursement
from disbursements.services.decisions import cancel_disbursement
from disbursements.statuses import Alarm, DisbursementStatus, ErrorClass
from loans.configuration import LoanSettings
from loans.locks import lock_profile
from loans.models import CreditProfile, Loan
from loans.services import approvals
from loans.statuses import LoanStatus, Refusal
from tests.disbursements.fake_provider import World, turn_away
from tests.loans.books import broken, fake_world, pay_out
from tests.loans.conftest import ALICE, actions, make_profile
from tests.loans.test_approval_races import approve, no_redis, offer  # noqa: F401
from tests.ussd.outages import closed_port, move_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return fake_world(monkeypatch)


def fail_payout(loan: Loan, world: World, *, at: datetime) -> Loan:
    """The provider turns it away for good."""
    world.sends.append(turn_away(ErrorClass.PERMANENT, "PAYEE_NOT_FOUND"))
    advance_disbursement(disbursement_id=loan.disbursement_id, at=at)
    loan.refresh_from_db()
    assert loan.error_code == "PAYEE_NOT_FOUND"
    return loan


def cancel(loan: Loan, boss: User, *, at: datetime) -> None:
    cancel_disbursement(disbursement_id=loan.disbursement_id, cancelled_by=boss, reason="wrong", at=at)


# A first loan that came to nothing


def test_cancelled_first_loan_does_not_block_its_session(alice: User, boss: User, now: datetime) -> None:
    offer(at=now)
    first = approve(at=now)
    cancel(Loan.objects.get(), boss, at=now)

    second = approve(at=now)

    assert second.loan is not None and first.loan is not None
    assert (second.loan.id != first.loan.id, second.is_repeat) == (True, False)
    assert sorted(Loan.objects.values_list("status", flat=True)) == ["APPROVED", "CANCELLED"]
    profile = CreditProfile.objects.get()
    assert (profile.total_loans, profile.outstanding) == (1, 7500)
    assert approve(at=now).loan == second.loan
    assert broken() == set()


def test_cancelled_loan_leaves_the_customer_as_before(alice: User, boss: User, now: datetime, world: World) -> None:
    earlier = now - timedelta(days=40)
    offer(at=earlier)
    approve(at=earlier, option=1)
    pay_out(Loan.objects.get(), at=earlier)
    before = CreditProfile.objects.get()
    CreditProfile.objects.update(score=460, credit_limit=20_000)
    offer(at=now)
    approve(at=now, option=1)

    cancel(Loan.objects.get(status="APPROVED"), boss, at=now)

    after = CreditProfile.objects.get()
    assert (after.outstanding, after.total_loans, after.last_loan_at) == (5000, 1, before.last_loan_at)
    # The pause after a loan that never was does not hold either.
    offer("another", at=now)
    assert approve("another", at=now, option=1).refusal is None


def test_cancelled_loan_without_session_does_not_block(
    alice: User,
    boss: User,
    now: datetime,
    no_redis: Callable,  # noqa: F811
) -> None:
    no_redis()
    approve(at=now)
    cancel(Loan.objects.get(), boss, at=now)

    assert approve(at=now).refusal is None
    assert approve(at=now).is_repeat
    assert Loan.objects.exclude(status="CANCELLED").count() == 1


# A payout that failed for good


def test_approving_again_sets_a_failed_payout_going_without_another_loan(
    alice: User, now: datetime, world: World
) -> None:
    offer(at=now)
    first = approve(at=now)
    loan = fail_payout(Loan.objects.get(), world, at=now)

    again = approve(at=now + timedelta(seconds=60))

    assert (again.loan, again.is_repeat) == (first.loan, True)
    loan.refresh_from_db()
    payout = Disbursement.objects.get()
    assert (loan.status, loan.error_code, payout.status, payout.reserve_number) == ("APPROVED", "", "queued", 2)
    event = AuditEvent.objects.get(action="disbursement.retried")
    assert (event.actor_id, event.reason) == (str(alice.pk), "The customer approved the loan again")
    # And approving once more leaves it alone.
    approve(at=now + timedelta(seconds=61))
    assert actions("disbursement.retried", "loan.payout") == [
        "loan.payout_failed",
        "loan.payout_retried",
        "disbursement.retried",
    ]
    pay_out(loan, at=now + timedelta(seconds=70))
    assert [transfer.amount for transfer in world.paid()] == [Decimal(6750)]
    assert broken() == set()


def test_approving_again_after_the_session_retries_too(
    alice: User,
    now: datetime,
    world: World,
    no_redis: Callable,  # noqa: F811
) -> None:
    no_redis()
    approve(at=now)
    fail_payout(Loan.objects.get(), world, at=now)

    assert approve(at=now + timedelta(minutes=30)).is_repeat
    assert Disbursement.objects.get().status == "queued"


def test_payout_that_may_have_been_paid_is_not_retried(alice: User, now: datetime, world: World) -> None:
    offer(at=now)
    first = approve(at=now)
    fail_payout(Loan.objects.get(), world, at=now)
    Disbursement.objects.update(alarm=Alarm.CONTRADICTION)

    assert approve(at=now).loan == first.loan
    assert Disbursement.objects.get().status == DisbursementStatus.FAILED


# What passes


def test_loan_made_while_redis_was_away_answers_its_session_when_redis_is_back(
    alice: User, now: datetime, settings: Any
) -> None:
    """The session is there again, with a name of ours that the loan does not have: a repeat, not a second loan too
    soon."""
    offer(at=now)
    caches = settings.CACHES
    move_redis(settings, closed_port())
    first = approve(at=now)
    settings.CACHES = caches

    assert approve(at=now) == replace(first, is_repeat=True)
    assert approve(at=now, option=1).refusal == Refusal.INVALID_SELECTION
    assert Loan.objects.count() == Disbursement.objects.count() == 1


def test_waiting_for_the_profile_is_bounded_and_writes_nothing(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_profile(alice, at=now)
    monkeypatch.setattr(approvals, "LOCK_WAIT_SECONDS", 1)
    taken, leave = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            lock_profile(alice.pk)
            taken.set()
            leave.wait(30)
        connection.close()

    thread = Thread(target=hold)
    thread.start()
    try:
        assert taken.wait(10)
        assert approve(at=now).refusal == Refusal.SERVICE_UNAVAILABLE
    finally:
        leave.set()
        thread.join()

    assert not Loan.objects.exists()
    assert not Disbursement.objects.exists()
    # The limit was the transaction's, and the customer can go on.
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("30s",)
    assert approve(at=now).refusal is None


def test_lost_connection_is_for_the_caller_to_judge(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(approvals, "record", lose)

    with pytest.raises(OperationalError):
        approve(at=now)
    assert not Loan.objects.exists()
    assert not CreditProfile.objects.exists()


def test_settings_never_read_make_no_loan(alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise SettingsUnknown("never read")

    monkeypatch.setattr(approvals, "lending_settings", refuse)

    assert approve(at=now).refusal == Refusal.SERVICE_UNAVAILABLE


def test_amount_below_the_smallest_payout_is_unavailable(alice: User, now: datetime, configure: Callable) -> None:
    """Staff set payouts against an offer that was shown: nothing is written, and the log says so."""
    offer(at=now)
    configure(NigeriaPayments, min_amount=Decimal(9_500))

    assert approve(at=now).refusal == Refusal.SERVICE_UNAVAILABLE
    assert not Loan.objects.exists()


def test_nothing_below_the_smallest_payout_is_approved_without_a_session(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, credit_limit=Decimal(20), automatic_limit=False, total_loans=1)

    assert approve(at=now).refusal == Refusal.NO_OFFERS
    assert not Loan.objects.exists()


def test_approve_refuses_to_run_inside_a_transaction(alice: User, now: datetime) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        approve(at=now)


def test_names_of_sessions_of_any_length_fit(alice: User, now: datetime, configure: Callable) -> None:
    configure(LoanSettings, cooldown_minutes=0)

    assert approve("é" * 128, at=now, option=1).refusal is None
    loan = Loan.objects.get()
    assert (loan.session_id, loan.status) == ("é" * 128, LoanStatus.APPROVED)
    assert len(loan.session_instance) <= 100


def test_phone_of_the_loan_is_the_one_that_asked(alice: User, now: datetime) -> None:
    approve(at=now)

    assert Loan.objects.get().phone == ALICE
