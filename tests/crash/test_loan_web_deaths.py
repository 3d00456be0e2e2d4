"""A web process killed at every step of an approval: all of it happened or nothing; a repeat gets the first answer."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django_redis import get_redis_connection

from configuration.services import change_category
from disbursements.models import Disbursement
from ledger.models import Posting
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan
from loans.services.approval_requests import ApprovalRequest
from tests.crash.loan_steps import AFTER_APPROVAL, BEFORE_APPROVAL
from tests.crash.loans import (
    DISBURSED,
    INTEREST,
    OWED,
    books,
    books_after,
    configure_lending,
    lent_once,
    make_borrower,
    story_of,
)
from tests.crash.payouts import assert_invariants
from tests.crash.workers import Life, Workers
from tests.loans.partner import APPROVE, PROCESSING, Partner
from tests.support.redis_time import let_redis_age
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

HOURS = timedelta(hours=6)
# How long the dead process held the session.
LOCK_SECONDS = 30


@pytest.fixture
def partner(now: datetime) -> Partner:
    configure_lending(now)
    return Partner()


@pytest.fixture
def phone(partner: Partner) -> str:
    """Of a newcomer who has the offers on the screen."""
    phone = str(make_borrower(1).phone)
    assert partner.offer(phone)["metadata"]["eligibleAmount"] == OWED
    return phone


def approve_and_die(workers: Workers, partner: Partner, phone: str, *, at: datetime, fatal: str) -> Life:
    """The approval of all that is offered reaches a web process that is killed at that step."""
    body = {"msisdn": phone, "sessionId": "sess-123", "network": "mtn", "responseType": "json", "selectedOption": 3}
    life = workers.answer(
        path=APPROVE,
        body=json.dumps(body),
        content_type="application/json",
        headers={"x-api-token": partner.token},
        at=at,
        fatal=fatal,
    )
    assert (life.killed, life.steps[-1]) == (True, fatal)
    return life


def forget_redis() -> None:
    """Redis was restarted without its data: no session, no first answer, no lock."""
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000):
        client.delete(key)


def pay_what_is_due(workers: Workers, sandbox: SandboxProcess, phone: str, *, at: datetime) -> None:
    """The dead process told no worker: sweeps find the payout."""
    workers.work(at=at, for_=HOURS)
    assert lent_once(story_of(phone, sandbox))
    assert (Loan.objects.count(), Disbursement.objects.count()) == (1, 1)
    assert books() == books_after(1)
    assert_invariants()


@pytest.mark.parametrize("step", BEFORE_APPROVAL)
def test_killed_before_the_commit_leaves_nothing(
    step: str, partner: Partner, phone: str, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    approve_and_die(workers, partner, phone, at=now, fatal=step)

    assert (Loan.objects.count(), Disbursement.objects.count(), Posting.objects.count()) == (0, 0, 0)
    assert not CreditProfile.objects.exists()
    assert_invariants()

    let_redis_age(LOCK_SECONDS)
    first = partner.approve(phone, selectedOption=3)
    assert (first["status"], first["loan"]["id"]) == ("processing", str(Loan.objects.get().pk))
    assert partner.approve(phone, selectedOption=3) == first
    pay_what_is_due(workers, sandbox, phone, at=now)


def repeat_at_once(partner: Partner, phone: str) -> dict:
    """The middle server tries again when the dead process's lock is over."""
    let_redis_age(LOCK_SECONDS)
    return partner.approve(phone, selectedOption=3)


def repeat_by_amount(partner: Partner, phone: str) -> dict:
    """By the amount in place of the option, and the number as people write it at home."""
    let_redis_age(LOCK_SECONDS)
    return partner.approve("0" + phone.removeprefix("+234"), selectedAmount="10000")


def repeat_without_session(partner: Partner, phone: str) -> dict:
    """Redis has forgotten everything: the row of the loan knows the session by the gateway's name for it."""
    forget_redis()
    return partner.approve(phone, selectedOption=3)


@pytest.mark.parametrize("step", AFTER_APPROVAL)
@pytest.mark.parametrize("repeat", [repeat_at_once, repeat_by_amount, repeat_without_session])
def test_killed_after_the_commit_gives_the_repeat_the_first_answer(
    repeat: Callable[[Partner, str], dict],
    step: str,
    partner: Partner,
    phone: str,
    now: datetime,
    workers: Workers,
    sandbox: SandboxProcess,
) -> None:
    approve_and_die(workers, partner, phone, at=now, fatal=step)

    loan = Loan.objects.get()
    assert (loan.status, loan.disbursement.status) == ("APPROVED", "queued")
    assert repeat(partner, phone) == {
        "status": "processing",
        "type": "loan-approve",
        "sessionId": "sess-123",
        "msisdn": phone,
        "loan": {
            "id": str(loan.pk),
            "loanId": loan.number,
            "userId": str(loan.customer_id),
            "amount": OWED,
            "status": "APPROVED",
        },
        "message": PROCESSING,
    }
    pay_what_is_due(workers, sandbox, phone, at=now)


@pytest.mark.parametrize("step", ["limit_checked", "commit_delivered"])
def test_repeat_while_the_dead_process_holds_the_session(
    step: str, partner: Partner, phone: str, now: datetime, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer reads the same words in any case. A program gets the first answer when there is one, else 409: a
    loan may be about to be made.
    """
    approve_and_die(workers, partner, phone, at=now, fatal=step)
    # Waiting for somebody who will not come proves nothing more after three seconds.
    monkeypatch.setattr("ussd.loan_callbacks.views.PATIENCE", 0)

    assert partner.approve(phone, selectedOption=3, mode="text") == f"END {PROCESSING}"
    answer = partner.approve(phone, selectedOption=3)
    if step == "commit_delivered":
        assert answer["loan"]["id"] == str(Loan.objects.get().pk)
    else:
        assert answer["code"] == "REQUEST_IN_PROGRESS"
        assert not Loan.objects.exists()


def allow_two_loans(at: datetime) -> None:
    """No pause between loans, so that nothing but the session says that a repeat is one."""
    change_category(LoanSettings, changes={"cooldown_minutes": 0}, changed_by=None, reason="Test", at=at)


@pytest.mark.parametrize("is_guarded", [False, True], ids=["control", "twin"])
def test_control_not_knowing_a_session_again_lends_twice(
    is_guarded: bool,
    partner: Partner,
    phone: str,
    now: datetime,
    workers: Workers,
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The matrix can see a second loan: with the rule taken out that knows a repeat by its session, there is one, and
    the customer is paid twice. Its twin differs in nothing else.
    """
    allow_two_loans(now)
    # Half of the limit, so that a second one fits under it.
    body = {"msisdn": phone, "sessionId": "sess-123", "responseType": "json", "selectedOption": 1}
    life = workers.answer(
        path=APPROVE,
        body=json.dumps(body),
        content_type="application/json",
        headers={"x-api-token": partner.token},
        at=now,
        fatal="answer_not_kept",
    )
    assert life.killed
    let_redis_age(LOCK_SECONDS)
    if not is_guarded:
        monkeypatch.setattr(ApprovalRequest, "is_of_this_session", lambda _request, _loan: False)
        monkeypatch.setattr(ApprovalRequest, "instance_after", lambda _request, _last: uuid4().hex)

    assert partner.approve(phone, selectedOption=1)["status"] == "processing"
    workers.work(at=now, for_=HOURS)

    times = 1 if is_guarded else 2
    story = story_of(phone, sandbox)
    assert story.loans == [("DISBURSED", OWED / 2, OWED / 2)] * times
    assert story.book == [("SUCCESSFUL", DISBURSED / 2)] * times
    assert books() == {"receivable": times * OWED / 2, "interest_income": -times * INTEREST / 2}
