"""A request to pay from the menu to the repayment, and under every fault of the sandbox."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from loans.collecting import build_client
from loans.models import CollectionRequest, Loan
from loans.services.collection_sending import send_request
from loans.services.collections import Progress, request_collection
from notifications.models import SmsMessage
from tests.loans.books import balances, fake_world, paid_out_loan, profile_of, repay
from tests.loans.collecting.conftest import Asking, assert_charged_once, assert_not_charged, paid
from tests.loans.conftest import make_customer
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_customer_approves_and_the_loan_is_repaid_in_part(asking: Asking, sandbox: SandboxProcess) -> None:
    assert asking.go() == Progress.SENT
    assert (asking.row.status, asking.row.sends) == ("pending", 1)
    assert asking.go() == Progress.ASKED

    assert_charged_once(asking, sandbox)
    assert asking.events == ["requested", "paid"]
    assert balances() == {"receivable": 6000, "interest_income": -1000, "collected:mtn_momo": 4000}
    assert SmsMessage.objects.filter(template="loan.partly_repaid").count() == 1
    assert not SmsMessage.objects.filter(template__startswith="collection.").exists()
    assert asking.row.next_action_at is None
    assert asking.go() == Progress.NOT_OURS


@pytest.mark.parametrize(
    ("fault", "order"),
    [
        ("timeout_before_accept", {"delayMs": 20}),
        ("timeout_after_accept", {"delayMs": 20}),
        ("http_500_before_accept", {}),
        ("http_500_after_accept", {}),
        ("http_503", {}),
        ("token_expired", {}),
        ("drop_callback", {}),
        ("duplicate_callback", {}),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_fault_delays_but_the_customer_pays_once(
    asking: Asking, sandbox: SandboxProcess, fault: str, order: dict[str, Any], times: int
) -> None:
    sandbox.collection_faults(fault, times=times, **order)

    asking.drive()

    assert_charged_once(asking, sandbox)


def test_silence_is_asked_about_before_the_same_reference_leaves_again(asking: Asking, sandbox: SandboxProcess) -> None:
    sandbox.collection_faults("timeout_before_accept", times=1, delayMs=20)

    asking.go()
    assert (asking.row.status, asking.row.sends, sandbox.collections()) == ("queued", 1, [])
    asking.go()
    assert asking.row.sends == 1, "404 a moment after the send proves nothing"
    while asking.row.sends == 1:
        assert asking.go() in (Progress.ASKED, Progress.SENT)

    assert (asking.at - asking.row.created_at).total_seconds() >= 30
    assert asking.row.status == "pending"
    asking.drive()
    assert_charged_once(asking, sandbox)


@pytest.mark.parametrize(
    ("reason", "template"),
    [
        ("APPROVAL_REJECTED", "collection.not_approved"),
        ("EXPIRED", "collection.not_approved"),
        ("NOT_ENOUGH_FUNDS", "collection.short_of_money"),
        ("PAYER_NOT_FOUND", "collection.failed"),
        ("SOMETHING_NEW", "collection.failed"),
    ],
)
def test_refused_request_ends_and_the_customer_may_start_another(
    asking: Asking, sandbox: SandboxProcess, reason: str, template: str
) -> None:
    sandbox.collection_faults("refuse", reason=reason, times=1)

    asking.drive()

    assert_not_charged(asking, sandbox)
    assert (asking.row.error_code, asking.row.next_action_at) == (reason, None)
    assert asking.events == ["requested", "failed"]
    (told,) = SmsMessage.objects.filter(template__startswith="collection.")
    assert told.template == template
    assert "NGN 4,000" in told.body
    again = Asking(
        request_collection(loan_id=asking.row.loan_id, amount=Decimal(4000), key="menu:2", at=asking.at), asking.at
    )
    again.drive()
    assert again.row.status == "completed"
    assert [line["status"] for line in sandbox.collections()] == ["FAILED", "SUCCESSFUL"]


def test_slow_customer_is_asked_about_less_and_less_often_and_booked_in_the_end(
    asking: Asking, sandbox: SandboxProcess
) -> None:
    sandbox.collection_faults("stay_pending", times=1)
    asking.go()
    pauses = []
    for _ in range(12):
        before = asking.at
        asking.go()
        pauses.append((asking.at - before).total_seconds())
    assert pauses == [3, 5, 10, 15, 30, 60, 300, 900, 3600, 3600, 3600, 3600]
    assert asking.row.status == "pending"

    sandbox.settle_collections()
    sandbox.wait_until(lambda: paid(sandbox))
    asking.go()

    assert_charged_once(asking, sandbox)


@pytest.mark.parametrize(
    ("phone", "code"), [("+2348030992001", "NOT_ENOUGH_FUNDS"), ("+2348030992002", "APPROVAL_REJECTED")]
)
def test_customers_of_the_demo_fail_by_their_numbers(
    now: datetime,
    set_up: Callable[..., Any],
    sandbox: SandboxProcess,
    monkeypatch: pytest.MonkeyPatch,
    phone: str,
    code: str,
) -> None:
    fake_world(monkeypatch)
    loan = paid_out_loan(make_customer(phone), at=now)
    asking = Asking(request_collection(loan_id=loan.pk, amount=loan.outstanding, key="k", at=now), now)

    asking.drive()

    assert (asking.row.status, asking.row.error_code) == ("failed", code)


def test_provider_out_of_reach_uses_up_no_send_and_goes_on_when_it_is_back(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    set_up(base_url="http://127.0.0.1:1")
    asking.go()
    assert (asking.row.status, asking.row.sends, asking.row.error_code) == ("queued", 0, "CONNECTION_FAILED")

    set_up()
    asking.drive()

    assert_charged_once(asking, sandbox)
    assert asking.row.base_url == sandbox.url


def test_request_that_could_not_be_sent_in_time_is_given_up_unsent(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    set_up(base_url="http://127.0.0.1:1", approval_minutes=5)

    asking.drive()

    assert_not_charged(asking, sandbox)
    assert sandbox.collections() == []
    assert 300 <= (asking.at - asking.row.created_at).total_seconds() <= 330
    assert asking.row.next_action_at is None


def test_request_the_provider_never_took_in_time_is_given_up_and_watched(
    asking: Asking, sandbox: SandboxProcess
) -> None:
    sandbox.collection_faults("http_500_before_accept")

    asking.drive()

    assert_not_charged(asking, sandbox)
    assert asking.row.error_code == "NOT_TAKEN_IN_TIME"
    sends = asking.row.sends
    assert sends > 1
    for _ in range(100):
        if asking.row.next_action_at is None:
            break
        asking.go()
    assert asking.row.next_action_at is None
    assert (asking.at - asking.row.finished_at).total_seconds() >= 24 * 3600
    assert asking.row.sends == sends


def test_late_send_of_one_given_up_is_found_and_booked(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    """The send hung so long that the request was given up; then it got through and the customer approved."""
    sandbox.collection_faults("http_500_before_accept")
    asking.drive()
    assert asking.row.status == "failed"

    sandbox.collection_faults("none")
    send_request(collection=asking.row, client=build_client(set_up()))
    sandbox.wait_until(lambda: paid(sandbox))
    asking.go()

    assert_charged_once(asking, sandbox)
    assert asking.events == ["requested", "failed", "paid"]


def test_wrong_credentials_call_a_person_and_charge_nobody(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    set_up(api_key="wrong")

    asking.go()

    assert (asking.row.status, asking.row.sends, asking.row.alarm) == ("queued", 0, "configuration")
    set_up()
    asking.drive()
    assert_charged_once(asking, sandbox)
    assert asking.row.alarm == ""
    assert asking.events == ["requested", "alarm_raised", "alarm_cleared", "paid"]


def test_request_turned_away_at_the_door_ends_at_once(
    asking: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    set_up(target_environment="mtnrwanda")

    asking.go()

    assert_not_charged(asking, sandbox)
    assert (asking.row.error_code, asking.row.alarm) == ("INVALID_CURRENCY", "configuration")
    assert sandbox.collections() == []


def test_overpaid_meanwhile_is_held_for_the_customer(asking: Asking, sandbox: SandboxProcess, alice: User) -> None:
    asking.go()
    repay(asking.row.loan, 10_000, at=asking.at)

    asking.go()

    assert asking.row.status == "completed"
    loan = Loan.objects.get(pk=asking.row.loan_id)
    assert (loan.status, profile_of(alice).overpaid) == ("COMPLETED", Decimal(4000))
    assert balances()["collected:mtn_momo"] == 4000


def test_settings_unread_touch_nothing(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loans.services.collections.was_read", lambda category: False)

    assert asking.go() == Progress.HELD

    assert (asking.row.sends, sandbox.collections()) == (0, [])
    assert CollectionRequest.objects.filter(next_action_at__lte=asking.at).exists()
