"""Repaying from the menu: what is owed, how much, consent, and the request that mobile money gets, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from configuration.services import change_category
from loans.collection_settings import CollectionSettings
from loans.configuration import LoanSettings
from loans.models import CollectionRequest, CreditProfile, Loan
from loans.statuses import CollectionStatus
from tests.ussd.lending import (
    ADA,
    MAIN,
    due_day,
    make_borrower,
    make_line,
    phone_of,
    settle,
    take_loan,
)
from tests.ussd.outages import closed_port, move_redis
from ussd.models import Gateway
from ussd.session_index import clear_sessions
from ussd.statuses import GatewayKind
from ussd.store import Claim, Store

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "Approve the payment of {} on your phone with your PIN. You will get an SMS."


@pytest.fixture(params=GatewayKind.values)
def line(request: pytest.FixtureRequest, now: datetime) -> Gateway:
    """Each kind of gateway in turn."""
    return make_line(request.param, at=now)


@pytest.fixture
def at_line(now: datetime) -> Gateway:
    return make_line(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture(autouse=True)
def ada(now: datetime) -> User:
    return make_borrower(at=now)


def owe(line: Gateway, at: datetime) -> Loan:
    """Ada took 10,000 and has the money; she has heard of it."""
    take_loan(phone_of(line))
    loan = settle(Loan.objects.get(), "on_paid", at)
    Loan.objects.update(announced_at=at)
    return loan


def type_all(phone: Any, *inputs: str) -> str:
    """Dial and answer so; the last words."""
    words: str = phone.dial()
    for typed in inputs:
        words = phone.type(typed)
    return words


def requests() -> list[tuple[Decimal, str, str]]:
    return list(CollectionRequest.objects.order_by("created_at").values_list("amount", "phone", "status"))


def test_customer_repays_all_of_it(line: Gateway, now: datetime) -> None:
    loan = owe(line, now)
    phone = phone_of(line)

    assert type_all(phone, "3") == (
        f"Loan {loan.number}: you owe NGN 10,000.\n1 Pay all: NGN 10,000\n2 Other amount\n0 Back"
    )
    assert phone.type("1") == (
        f"Pay NGN 10,000 for loan {loan.number} from the mobile money of this number?\n1 Yes\n2 No\n0 Back\n00 Home"
    )
    assert CollectionRequest.objects.count() == 0
    assert phone.type("1") == ASKED.format("NGN 10,000")
    assert phone.ended
    assert phone.repeat() == ASKED.format("NGN 10,000")
    assert requests() == [(10_000, ADA, "queued")]


def test_customer_repays_a_part_after_mistyping_it(line: Gateway, now: datetime) -> None:
    loan = owe(line, now)
    phone = phone_of(line)

    assert type_all(phone, "3", "2") == "Enter the amount, from 1 to 10,000:\n0 Back\n00 Home"
    again = "Use digits only, from 1 to 10,000. Enter the amount again:\n0 Back\n00 Home"
    for typed in ("10001", "2,500", "2500.50", "-5", "abc", "000", "99999999999", "\u0663\u0663"):
        assert phone.type(typed) == again, typed
    assert phone.type("2500").startswith(f"Pay NGN 2,500 for loan {loan.number}")
    assert phone.type("1") == ASKED.format("NGN 2,500")
    assert requests() == [(2_500, ADA, "queued")]


def test_no_and_back_ask_for_nothing(at_line: Gateway, now: datetime) -> None:
    loan = owe(at_line, now)
    phone = phone_of(at_line)
    type_all(phone, "3", "1")

    assert phone.type("2").startswith(f"Loan {loan.number}: you owe")
    phone.type("2")
    assert phone.type("0").startswith(f"Loan {loan.number}: you owe")
    assert phone.type("0") == MAIN
    assert requests() == []


def test_who_owes_nothing_is_told_so(at_line: Gateway) -> None:
    assert type_all(phone_of(at_line), "3") == "You owe nothing.\n0 Back"


def test_less_than_one_can_only_be_paid_as_a_whole(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    Loan.objects.update(status="REPAYING", amount_paid="9999.50", outstanding="0.50")
    phone = phone_of(at_line)

    assert type_all(phone, "3").endswith("you owe NGN 0.50.\n1 Pay all: NGN 0.50\n0 Back")
    phone.type("1")
    assert phone.type("1") == ASKED.format("NGN 0.50")


def test_several_loans_are_shown_oldest_due_first_and_the_first_is_repaid(at_line: Gateway, now: datetime) -> None:
    change_category(LoanSettings, changes={"cooldown_minutes": 0}, changed_by=None, reason="None", at=now)
    CreditProfile.objects.create(
        customer=User.objects.get(phone=ADA), score=300, credit_limit=90_000, automatic_limit=False, created_at=now
    )
    for days in (30, 28, 35):
        take_loan(phone_of(at_line), option="1")
        loan = settle(Loan.objects.latest("created_at"), "on_paid", now)
        Loan.objects.filter(pk=loan.pk).update(due_date=loan.due_date + timedelta(days=days - 30), announced_at=now)
    take_loan(phone_of(at_line), option="1")
    Loan.objects.update(announced_at=now)
    second, first, third, under_way = Loan.objects.order_by("created_at")
    phone = phone_of(at_line)

    assert type_all(phone, "2") == (
        f"{first.number}: paid to you. You owe NGN 5,000, due {due_day(now, days=28)}.\n"
        f"{second.number}: paid to you. You owe NGN 5,000, due {due_day(now, days=30)}.\n98 More\n0 Back"
    )
    assert phone.type("98") == (
        f"{third.number}: paid to you. You owe NGN 5,000, due {due_day(now, days=35)}.\n"
        f"{under_way.number}: NGN 4,500 is on its way to you. Repay NGN 5,000 by {due_day(now, days=30)}.\n"
        "0 Back\n00 Home"
    )
    assert phone.type("00") == MAIN
    assert phone.type("3").startswith(f"Loan {first.number}: you owe NGN 5,000.")


def test_second_request_waits_for_the_first(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    type_all(phone_of(at_line), "3", "1", "1")

    waiting = "A payment of NGN 10,000 is waiting already. Approve it on your phone with your PIN."
    assert type_all(phone_of(at_line), "3") == waiting
    assert len(requests()) == 1


def test_request_made_elsewhere_between_look_and_consent(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    slow = phone_of(at_line)
    type_all(slow, "3", "2", "700")
    CollectionRequest.objects.create(
        key="elsewhere",
        loan=Loan.objects.get(),
        customer=User.objects.get(phone=ADA),
        phone=ADA,
        amount=300,
        currency="NGN",
        status=CollectionStatus.PENDING,
        next_action_at=now,
        created_at=now,
    )

    assert slow.type("1") == "A payment of NGN 300 is waiting already. Approve it on your phone with your PIN."
    assert len(requests()) == 1


def test_debt_that_shrank_between_look_and_consent(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    phone = phone_of(at_line)
    type_all(phone, "3", "1")
    Loan.objects.update(status="REPAYING", amount_paid=1_000, outstanding=9_000)

    assert phone.type("1") == "What you owe has changed. Dial again to see it."
    assert requests() == []


def test_requests_switched_off(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    change_category(CollectionSettings, changes={"enabled": False}, changed_by=None, reason="Outage", at=now)

    words = "Repaying from the phone does not work now. No money was taken. Please try again later."
    assert type_all(phone_of(at_line), "3", "1", "1") == words
    assert requests() == []


@pytest.mark.parametrize("lost", ["redis", "session"])
@pytest.mark.parametrize("became", ["open", "failed"])
def test_repeat_without_our_memory_of_it_asks_for_nothing_more(
    at_line: Gateway, settings: Any, now: datetime, lost: str, became: str
) -> None:
    owe(at_line, now)
    phone = phone_of(at_line)
    assert type_all(phone, "3", "1", "1") == ASKED.format("NGN 10,000")
    if became == "failed":
        CollectionRequest.objects.update(status="failed", finished_at=now, next_action_at=None)
    if lost == "redis":
        move_redis(settings, closed_port())
    else:
        clear_sessions()

    assert phone.repeat() == ASKED.format("NGN 10,000")
    assert phone.ended
    assert len(requests()) == 1


def test_repaying_without_redis(at_line: Gateway, settings: Any, now: datetime) -> None:
    owe(at_line, now)
    move_redis(settings, closed_port())
    phone = phone_of(at_line)

    assert type_all(phone, "3", "2", "x", "4000").startswith("Pay NGN 4,000 for loan")
    assert phone.type("1") == ASKED.format("NGN 4,000")
    assert phone.repeat() == ASKED.format("NGN 4,000")
    assert requests() == [(4_000, ADA, "queued")]


def test_new_dial_after_a_failed_request_can_ask_again(at_line: Gateway, now: datetime) -> None:
    owe(at_line, now)
    type_all(phone_of(at_line), "3", "1", "1")
    CollectionRequest.objects.update(status="failed", finished_at=now, next_action_at=None, announced_at=now)

    assert type_all(phone_of(at_line), "3", "1", "1") == ASKED.format("NGN 10,000")
    assert len(requests()) == 2


@pytest.mark.parametrize("with_claims", [True, False])
def test_twenty_deliveries_at_once_ask_once(
    at_line: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch, with_claims: bool
) -> None:
    owe(at_line, now)
    phone = phone_of(at_line)
    type_all(phone, "3", "1")
    claim = Store.claim

    def claim_everything(self: Store, *, turns_per_minute: int) -> Claim:
        return Claim("granted", session=claim(self, turns_per_minute=turns_per_minute).session)

    # Without the claim every delivery reaches lending, which keeps it to one by itself.
    if not with_claims:
        monkeypatch.setattr(Store, "claim", claim_everything)
    barrier = Barrier(20)

    def deliver() -> str:
        try:
            barrier.wait()
            return phone_of(at_line, session_id=phone.session_id, inputs=phone.inputs).type("1")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        replies = {future.result() for future in [pool.submit(deliver) for _copy in range(20)]}

    assert ASKED.format("NGN 10,000") in replies
    assert len(requests()) == 1
    if with_claims:
        assert len(replies) == 1
