"""The provider says something else than it should: nothing is booked by it, and a person is called."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from disbursements.providers.base import Answer, Outcome
from disbursements.statuses import ErrorClass
from loans.collecting.client import Collections
from loans.models import CollectionRequest, Repayment
from loans.services.collection_closing import CollectionNotClosable, ask_again, close_collection
from loans.services.collection_settling import settle_refused
from loans.services.collections import request_collection
from tests.loans.books import repay
from tests.loans.collecting.conftest import Asking, assert_charged_once, assert_not_charged
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

PAID = Outcome(
    Answer.PAID,
    http_status=200,
    transaction_id="4711",
    amount=Decimal(4000),
    currency="NGN",
    payee="+2348031234567",
)
NOT_FOUND = Outcome(Answer.NOT_FOUND, http_status=404)


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[[Outcome], None]:
    """From now on the provider answers every question with this."""

    def put(outcome: Outcome) -> None:
        monkeypatch.setattr(Collections, "look_up", lambda self, reference: outcome)

    return put


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal(3999)},
        {"amount": Decimal("4000.01")},
        {"amount": None},
        {"currency": "RWF"},
        {"currency": ""},
        {"payee": "+2348037654321"},
        {"payee": ""},
        {"transaction_id": ""},
    ],
)
def test_payment_that_differs_books_nothing_and_calls_a_person(
    asking: Asking, say: Callable[[Outcome], None], changes: dict[str, Any]
) -> None:
    asking.go()
    say(replace(PAID, **changes))

    asking.go()
    asking.go()

    row = asking.row
    assert (row.status, row.alarm) == ("pending", "mismatch")
    assert not Repayment.objects.exists()
    assert asking.events == ["requested", "alarm_raised"]
    assert row.next_action_at == asking.at + timedelta(hours=1)


def test_transaction_that_paid_something_else_books_nothing(
    asking: Asking, say: Callable[[Outcome], None], now: datetime
) -> None:
    repay(asking.row.loan, 1000, rail="mtn_momo", reference="4711", at=now)
    asking.go()
    say(PAID)

    asking.go()

    assert (asking.row.status, asking.row.alarm) == ("pending", "mismatch")
    assert Repayment.objects.count() == 1


def test_transaction_staff_entered_before_is_not_booked_twice(
    asking: Asking, say: Callable[[Outcome], None], now: datetime
) -> None:
    first = repay(asking.row.loan, 4000, rail="mtn_momo", reference="4711", at=now).repayment
    asking.go()
    say(PAID)

    asking.go()

    assert (asking.row.status, asking.row.repayment_id) == ("completed", first.pk)
    assert asking.row.loan.outstanding == Decimal(6000)


def test_transaction_of_another_request_books_nothing(asking: Asking, say: Callable[[Outcome], None]) -> None:
    asking.go()
    say(PAID)
    asking.go()
    loan = asking.row.loan
    again = Asking(request_collection(loan_id=loan.pk, amount=Decimal(4000), key="menu:2", at=asking.at), asking.at)
    again.go()

    again.go()

    assert (again.row.status, again.row.alarm) == ("pending", "mismatch")
    assert Repayment.objects.count() == 1


def test_accepted_request_the_provider_forgets_is_lost_until_its_word_comes(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, say: Callable[[Outcome], None]
) -> None:
    asking.go()
    with monkeypatch.context() as forgetting:
        forgetting.setattr(Collections, "look_up", lambda self, reference: NOT_FOUND)
        asking.wait(seconds=31)
        asking.go()
        assert (asking.row.status, asking.row.alarm, asking.row.sends) == ("pending", "lost", 1)

    asking.go()

    assert_charged_once(asking, sandbox)
    assert asking.row.alarm == ""


def test_other_api_user_learns_nothing_and_a_person_is_called(
    asking: Asking, sandbox: SandboxProcess, say: Callable[[Outcome], None], set_up: Callable[..., Any]
) -> None:
    sandbox.collection_faults("timeout_before_accept", times=1, delayMs=20)
    asking.go()
    set_up(api_user="22222222-2222-4222-8222-222222222222")
    say(NOT_FOUND)
    asking.wait(hours=1)

    asking.go()

    row = asking.row
    assert (row.status, row.sends, row.alarm, row.error_code) == ("queued", 1, "configuration", "OTHER_API_USER")


def test_booked_request_reported_as_failed_changes_nothing_and_calls_a_person(
    asking: Asking, sandbox: SandboxProcess
) -> None:
    asking.drive()

    settle_refused(collection_id=asking.id, outcome=Outcome(Answer.REFUSED, code="EXPIRED"), at=asking.at)

    assert_charged_once(asking, sandbox)
    assert asking.row.alarm == "contradiction"


def test_failed_request_found_paid_is_booked(
    asking: Asking, sandbox: SandboxProcess, say: Callable[[Outcome], None]
) -> None:
    sandbox.collection_faults("refuse", reason="EXPIRED", times=1)
    asking.drive()
    assert asking.row.status == "failed"
    say(PAID)

    assert ask_again(collection_id=asking.id, at=asking.at)
    asking.go()

    assert (asking.row.status, asking.row.provider_reference) == ("completed", "4711")
    assert asking.events == ["requested", "failed", "paid"]


def test_door_that_refuses_after_an_earlier_send_is_asked_before_the_end(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.collection_faults("http_500_before_accept", times=1)
    asking.go()
    turned_away = Outcome(Answer.TURNED_AWAY, ErrorClass.PERMANENT, "PAYER_NOT_FOUND", http_status=400)
    monkeypatch.setattr(Collections, "ask_to_pay", lambda self, demand: turned_away)
    while asking.row.sends == 1:
        asking.go()
    assert (asking.row.status, asking.row.was_turned_away) == ("queued", True)

    asking.drive()

    assert_not_charged(asking, sandbox)
    assert (asking.row.error_code, asking.row.sends) == ("PAYER_NOT_FOUND", 2)
    assert asking.row.next_action_at is not None


def test_wall_in_between_is_waited_out(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Outcome(Answer.BLOCKED, ErrorClass.CONFIGURATION, "HTTP_403", http_status=403)
    with monkeypatch.context() as blocked:
        blocked.setattr(Collections, "ask_to_pay", lambda self, demand: wall)
        asking.go()
    assert (asking.row.status, asking.row.alarm) == ("queued", "configuration")

    asking.drive()

    assert_charged_once(asking, sandbox)


def test_person_closes_what_was_entered_by_hand(asking: Asking, say: Callable[[Outcome], None], boss: User) -> None:
    asking.go()
    say(replace(PAID, amount=Decimal(3000)))
    asking.go()
    repay(asking.row.loan, 3000, rail="mtn_momo", reference="4711", at=asking.at)

    close_collection(collection_id=asking.id, closed_by=boss, reason="Entered by hand", at=asking.at)

    row = asking.row
    assert (row.status, row.alarm, row.error_code, row.next_action_at) == ("failed", "", "CLOSED_BY_STAFF", None)
    assert asking.events == ["requested", "alarm_raised", "closed"]
    assert Repayment.objects.count() == 1


@pytest.mark.parametrize(
    ("outcome", "hours"),
    [
        (Outcome(Answer.PENDING), 48),
        (Outcome(Answer.UNKNOWN, code="READ_TIMEOUT"), 48),
        (Outcome(Answer.NOT_ASKED, code="CONNECTION_FAILED"), 48),
        (NOT_FOUND, 1),
    ],
)
def test_nobody_closes_what_may_still_be_paid(
    asking: Asking, say: Callable[[Outcome], None], boss: User, outcome: Outcome, hours: int
) -> None:
    asking.go()
    say(outcome)
    asking.wait(hours=hours)

    with pytest.raises(CollectionNotClosable):
        close_collection(collection_id=asking.id, closed_by=boss, reason="x", at=asking.at)

    assert (asking.row.status, asking.events) == ("pending", ["requested"])


def test_forgotten_request_is_closed_after_a_day(asking: Asking, say: Callable[[Outcome], None], boss: User) -> None:
    asking.go()
    say(NOT_FOUND)
    asking.wait(hours=25)

    close_collection(collection_id=asking.id, closed_by=boss, reason="Lost at the provider", at=asking.at)

    assert asking.row.status == "failed"


@pytest.mark.parametrize("fate", ["paid", "failed"])
def test_closing_settles_on_the_providers_word_when_there_is_one(
    asking: Asking, sandbox: SandboxProcess, boss: User, fate: str
) -> None:
    if fate == "failed":
        sandbox.collection_faults("refuse", reason="EXPIRED", times=1)
    asking.go()
    sandbox.wait_until(lambda: sandbox.collections()[0]["status"] != "PENDING")

    closed = close_collection(collection_id=asking.id, closed_by=boss, reason="x", at=asking.at)

    assert closed.status == ("completed" if fate == "paid" else "failed")
    assert asking.events == ["requested", fate]
    with pytest.raises(CollectionNotClosable):
        close_collection(collection_id=asking.id, closed_by=boss, reason="x", at=asking.at)


def test_unsent_request_can_be_closed_and_never_leaves(asking: Asking, sandbox: SandboxProcess, boss: User) -> None:
    close_collection(collection_id=asking.id, closed_by=boss, reason="Changed their mind", at=asking.at)

    asking.go()

    assert_not_charged(asking, sandbox)
    assert sandbox.collections() == []
    assert not ask_again(collection_id=asking.id, at=asking.at)
    assert CollectionRequest.objects.get().announced_at == asking.at


def test_alarm_about_another_payer_tells_the_log_no_whole_number(
    asking: Asking, say: Callable[[Outcome], None], caplog: pytest.LogCaptureFixture
) -> None:
    asking.go()
    say(replace(PAID, payee="+2348037654321"))

    asking.go()

    assert asking.row.alarm == "mismatch"
    assert "payer +234…321 instead of +234…567" in caplog.text
    assert not any(number in caplog.text for number in ("8037654321", "8031234567"))
