"""Approvals at once, in pairs: the control takes a guard out and shows the race, its twin shows it gone."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError
from django_redis import get_redis_connection

from accounts.models import User
from disbursements.models import Disbursement
from loans import first_answers
from loans.answers import ApprovalResult
from loans.configuration import LoanSettings
from loans.first_answers import LOCK_SECONDS, answer_key, ask_for_answer, forget_answer, lock_key
from loans.models import CreditProfile, Loan
from loans.services import approvals
from loans.services.approvals import approve_offer
from loans.services.offers import make_offers
from loans.sessions import read_session
from loans.statuses import Refusal
from tests.audit.threads import run_together
from tests.loans.conftest import ALICE, actions, make_profile
from tests.loans.partner import Partner
from tests.ussd.outages import closed_port, move_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _patient_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty queue for one row, and the last waits as long as a busy machine needs."""
    monkeypatch.setattr(approvals, "LOCK_WAIT_SECONDS", 60)


def offer(session_id: str = "sess-1", *, at: datetime) -> None:
    make_offers(phone=ALICE, session_id=session_id, network="mtn", partner="p@telco.example", at=at)


def approve(session_id: str = "sess-1", *, at: datetime, option: int = 2, patience: float = 60) -> ApprovalResult:
    """Patient, so that a busy machine proves the same."""
    return approve_offer(
        phone=ALICE,
        session_id=session_id,
        option=option,
        amount=None,
        network="mtn",
        partner="p@telco.example",
        at=at,
        patience=patience,
    )


def assert_one_loan(results: list[Any]) -> None:
    """Equal answers, one of them the first; one loan, one payout, one event of each."""
    assert {result.loan for result in results} == {results[0].loan}, results
    assert results[0].loan is not None and results[0].loan.status == "APPROVED"
    assert Counter(result.is_repeat for result in results) == {False: 1, True: len(results) - 1}
    assert Loan.objects.count() == Disbursement.objects.count() == 1
    profile = CreditProfile.objects.get()
    assert (profile.total_loans, profile.outstanding) == (1, Loan.objects.get().amount)
    assert actions("loan.", "disbursement.") == ["disbursement.requested", "loan.approved"]


def read_profile_unlocked(customer_id: Any, *, seconds: int) -> CreditProfile:
    return CreditProfile.objects.get(pk=customer_id)


@pytest.fixture
def no_redis(request: pytest.FixtureRequest) -> Callable[[], None]:
    """From the call on, Redis is gone."""
    changeable = request.getfixturevalue("settings")
    return lambda: move_redis(changeable, closed_port())


# One session


def test_fifty_approvals_at_once_in_one_session_make_one_loan(alice: User, now: datetime) -> None:
    offer(at=now)

    assert_one_loan(run_together(50, lambda _number: approve(at=now)))


def test_fifty_at_once_without_redis_make_one_loan(alice: User, now: datetime, no_redis: Callable) -> None:
    """No session, no first answer, no lock: the profile's row and the gateway's name for the session decide."""
    no_redis()

    assert_one_loan(run_together(50, lambda _number: approve(at=now)))


def test_redis_stopped_half_way_makes_one_loan(
    alice: User, now: datetime, no_redis: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody has read the session; then Redis goes, before anybody has the lock."""
    offer(at=now)
    find_borrower = approvals.find_borrower

    def find_after_the_outage(phone: str) -> Any:
        found = find_borrower(phone)
        no_redis()
        return found

    monkeypatch.setattr(approvals, "find_borrower", find_after_the_outage)

    assert_one_loan(run_together(20, lambda _number: approve(at=now), hold=(approvals, "read_session")))


def test_redis_stopped_after_the_loan_is_made_gives_the_same_answer(
    alice: User, now: datetime, no_redis: Callable
) -> None:
    offer(at=now)
    first = approve(at=now)

    no_redis()

    assert_one_loan([first, approve(at=now)])


def test_control_without_the_profiles_lock_only_the_unique_columns_hold(
    alice: User, now: datetime, no_redis: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have looked and seen no loan; the database refuses the second, and looking again finds the first."""
    make_profile(alice, at=now)
    no_redis()
    monkeypatch.setattr(approvals, "lock_profile_within", read_profile_unlocked)
    refused = watch_refusals(monkeypatch)

    results = run_together(4, lambda _number: approve(at=now), hold=(approvals, "_check_limit"))

    assert len(refused) == 3
    assert {result.loan for result in results} == {results[0].loan}
    assert Loan.objects.count() == Disbursement.objects.count() == 1


def test_twin_with_the_profiles_lock_nobody_is_refused_by_a_column(
    alice: User, now: datetime, no_redis: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_profile(alice, at=now)
    no_redis()
    refused = watch_refusals(monkeypatch)

    assert_one_loan(run_together(4, lambda _number: approve(at=now)))
    assert refused == []


def watch_refusals(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the unique columns refuse from now on."""
    refused: list[Exception] = []
    decide = approvals._decide

    def watched(*args: Any) -> Any:
        try:
            return decide(*args)
        except IntegrityError as error:
            refused.append(error)
            raise

    monkeypatch.setattr(approvals, "_decide", watched)
    return refused


# Two sessions


def test_two_sessions_on_two_forms_of_one_number_make_one_loan(alice: User, now: datetime) -> None:
    """The same phone written two ways is one customer: the second hears of the pause, or gets the first's answer when
    both read the same session."""
    partner = Partner()
    partner.offer("08031234567", sessionId="a")
    partner.offer("+2348031234567", sessionId="b")
    forms = ["08031234567", "+2348031234567"]

    answers = run_together(2, lambda number: partner.approve(forms[number], sessionId="ab"[number]))

    assert {answer["loan"]["id"] for answer in answers} == {str(Loan.objects.get().pk)}
    assert Disbursement.objects.count() == 1


@pytest.mark.parametrize("is_redis_there", [True, False])
def test_two_sessions_without_offers_make_one_loan(
    alice: User, now: datetime, no_redis: Callable, is_redis_there: bool
) -> None:
    if not is_redis_there:
        no_redis()

    results = run_together(2, lambda number: approve(f"sess-{number}", at=now))

    assert sorted(str(result.refusal) for result in results) == [str(Refusal.COOLDOWN_ACTIVE), "None"]
    assert Loan.objects.count() == Disbursement.objects.count() == 1


def test_control_without_the_profiles_lock_two_sessions_make_two_loans(
    alice: User, now: datetime, no_redis: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_profile(alice, at=now)
    no_redis()
    monkeypatch.setattr(approvals, "lock_profile_within", read_profile_unlocked)

    results = run_together(2, lambda number: approve(f"sess-{number}", at=now), hold=(approvals, "_check_limit"))

    assert [result.refusal for result in results] == [None, None]
    assert Loan.objects.count() == 2


# The edge of the limit


def owing_room_for_one(alice: User, *, at: datetime) -> None:
    """7,500 fit under the limit once."""
    make_profile(alice, at=at, credit_limit=Decimal(10_000), automatic_limit=False, total_loans=1)


@pytest.mark.parametrize("is_redis_there", [True, False])
def test_limit_holds_when_two_approve_at_its_edge(
    alice: User, now: datetime, configure: Callable, no_redis: Callable, is_redis_there: bool
) -> None:
    configure(LoanSettings, cooldown_minutes=0)
    owing_room_for_one(alice, at=now)
    if not is_redis_there:
        no_redis()

    results = run_together(6, lambda number: approve(f"sess-{number}", at=now))

    assert Counter(result.refusal for result in results) == {None: 1, Refusal.CREDIT_LIMIT_EXCEEDED: 5}
    assert CreditProfile.objects.get().outstanding == 7500


def test_control_without_the_profiles_lock_the_limit_is_broken(
    alice: User, now: datetime, configure: Callable, no_redis: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(LoanSettings, cooldown_minutes=0)
    owing_room_for_one(alice, at=now)
    no_redis()
    monkeypatch.setattr(approvals, "lock_profile_within", read_profile_unlocked)

    results = run_together(2, lambda number: approve(f"sess-{number}", at=now), hold=(approvals, "_check_limit"))

    assert [result.refusal for result in results] == [None, None]
    assert sum(loan.outstanding for loan in Loan.objects.all()) == 15_000


# Waiting


def test_second_request_gets_the_answer_of_the_first_while_it_works(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first holds the lock and has not answered; while the second waits, it does."""
    offer(at=now)
    results: list[ApprovalResult] = []
    looks = 0

    def answer_meanwhile(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            get_redis_connection("sessions").delete(
                *get_redis_connection("sessions").keys(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:lock:*")
            )
            results.append(approve(at=now))

    monkeypatch.setattr(first_answers, "sleep", answer_meanwhile)
    hold_lock(alice)

    second = approve(at=now)

    assert looks == 1
    assert second.is_repeat and second.loan == results[0].loan
    assert Loan.objects.count() == 1


def hold_lock(alice: User) -> str:
    """Another server approves in Alice's session."""
    session = read_session(ALICE).session
    assert session is not None
    key = f"{settings.REDIS_KEY_PREFIX}:{lock_key(customer_id=alice.pk, instance=session.instance)}"
    get_redis_connection("sessions").set(key, "somebody else", px=30_000)
    return key


def test_request_that_waited_in_vain_says_that_it_is_in_progress(alice: User, now: datetime) -> None:
    offer(at=now)
    key = hold_lock(alice)

    result = approve(at=now, patience=0.1)

    assert result.refusal == Refusal.REQUEST_IN_PROGRESS
    assert not Loan.objects.exists()
    # The lock is still its owner's.
    assert get_redis_connection("sessions").get(key) == b"somebody else"


def test_lock_of_a_dead_server_does_not_hide_the_loan_it_made(alice: User, now: datetime) -> None:
    """It made the loan, and neither kept the answer nor gave the lock back."""
    offer(at=now)
    first = approve(at=now)
    session = read_session(ALICE).session
    assert session is not None and first.loan is not None
    forget_answer(answer_key(customer_id=alice.pk, instance=session.instance, amount=first.loan.amount))
    hold_lock(alice)

    assert_one_loan([first, approve(at=now, patience=0)])
    assert approve(at=now, option=1, patience=0).refusal == Refusal.INVALID_SELECTION


def test_lock_is_given_back_after_a_refusal_and_after_an_answer(alice: User, now: datetime) -> None:
    make_profile(alice, at=now, total_loans=1)
    offer(at=now)
    CreditProfile.objects.update(credit_limit=1, automatic_limit=False)
    assert approve(at=now, patience=0).refusal == Refusal.CREDIT_LIMIT_EXCEEDED
    CreditProfile.objects.update(automatic_limit=True)

    assert approve(at=now, patience=0).loan is not None
    assert get_redis_connection("sessions").keys(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:lock:*") == []


def test_what_a_dead_server_leaves_in_redis_ends_by_itself(alice: User, now: datetime) -> None:
    offer(at=now)
    approve(at=now)
    ask_for_answer(key="x", lock="ussd:loan:lock:x", patience=0)

    client = get_redis_connection("sessions")
    kept = {key.decode(): client.ttl(key) for key in client.keys(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:*")}
    lock = kept.pop(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:lock:x")
    (answer,) = kept.values()
    assert 0 < lock <= LOCK_SECONDS
    assert 0 < answer <= 180
