"""Outcome first on the credit line: what became of a loan's payout and of a repayment, told once, before the menu."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from loans.models import CollectionRequest, Loan
from loans.services.repayments import record_repayment
from loans.statuses import CollectionStatus, RepaymentChannel
from promos.models import PromoCode
from promos.services.redemptions import redeem_code
from tests.ussd.lending import ADA, MAIN, MENU, due_day, make_borrower, make_line, phone_of, settle, take_loan
from ussd.models import Gateway
from ussd.statuses import GatewayKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=GatewayKind.values)
def line(request: pytest.FixtureRequest, now: datetime) -> Gateway:
    """Each kind of gateway in turn."""
    return make_line(request.param, at=now)


@pytest.fixture
def at_line(now: datetime) -> Gateway:
    return make_line(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture
def ada(now: datetime) -> User:
    return make_borrower(at=now)


@pytest.fixture
def loan(at_line: Gateway, ada: User) -> Loan:
    """Taken; the answer was lost on its way."""
    take_loan(phone_of(at_line))
    return Loan.objects.get()


def make_request(loan: Loan, *, status: str, amount: int = 4_000, at: datetime) -> CollectionRequest:
    """A request to pay that ended so; a paid one with its repayment."""
    repayment = None
    if status == "completed":
        repayment = record_repayment(
            loan_id=loan.pk,
            amount=Decimal(amount),
            currency=loan.currency,
            rail="mtn_momo",
            reference=uuid.uuid4().hex,
            channel=RepaymentChannel.REQUEST_TO_PAY,
            received_at=at,
            at=at,
        ).repayment
    return CollectionRequest.objects.create(
        key=uuid.uuid4().hex,
        loan=loan,
        customer=loan.customer,
        phone=loan.phone,
        amount=amount,
        currency=loan.currency,
        status=status,
        repayment=repayment,
        created_at=at,
        finished_at=None if status in CollectionStatus.OPEN else at,
        next_action_at=at if status in CollectionStatus.OPEN else None,
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("", "Your loan of NGN 9,000 is on its way to you."),
        ("on_paid", "Your loan of NGN 9,000 was paid to you. Repay NGN 10,000 by {due}."),
        ("on_failed", "Your loan of NGN 9,000 could not be paid yet. We are looking into it."),
        ("on_cancelled", "Your loan of NGN 9,000 was cancelled."),
    ],
)
def test_next_dial_begins_with_what_became_of_the_loan(
    at_line: Gateway, loan: Loan, now: datetime, outcome: str, words: str
) -> None:
    if outcome:
        settle(loan, outcome, now)
    told = f"{words.format(due=due_day(now, days=30))}\n{MAIN}"

    # Nobody answered the first of these screens: it may have been lost.
    assert phone_of(at_line).dial() == told
    phone = phone_of(at_line)
    assert phone.dial() == told
    assert phone.type("9").startswith("No such choice.")

    assert phone_of(at_line).dial() == MAIN


def test_outcome_is_told_on_every_kind_of_gateway_and_in_the_main_menu(line: Gateway, ada: User) -> None:
    take_loan(phone_of(line))
    words = "Your loan of NGN 9,000 is on its way to you."

    assert phone_of(line).dial() == f"{words}\n{MAIN}"
    assert phone_of(line, service_code=MENU).dial().startswith(f"{words}\nStarhash\n1 Redeem a code")


def test_outcome_that_changed_is_news_again(at_line: Gateway, loan: Loan, now: datetime) -> None:
    phone = phone_of(at_line)
    assert "is on its way to you." in phone.dial()
    settle(loan, "on_failed", now)
    # What was told had changed before it was heard.
    phone.type("9")

    again = phone_of(at_line)
    assert "could not be paid yet." in again.dial()
    again.type("9")
    settle(loan, "on_retried", now)
    assert "is on its way to you." in phone_of(at_line).dial()


def test_loan_that_is_being_repaid_is_no_news(at_line: Gateway, loan: Loan, now: datetime) -> None:
    settle(loan, "on_paid", now)
    Loan.objects.update(status="REPAYING", amount_paid=1_000, outstanding=9_000)

    assert phone_of(at_line).dial() == MAIN


@pytest.mark.parametrize(
    ("status", "amount", "words"),
    [
        ("completed", 4_000, "We received NGN 4,000. You owe NGN 6,000."),
        ("completed", 10_000, "We received NGN 10,000. Your loan is repaid."),
        ("failed", 4_000, "Your payment of NGN 4,000 did not go through."),
    ],
)
def test_next_dial_begins_with_what_became_of_the_repayment(
    at_line: Gateway, loan: Loan, now: datetime, status: str, amount: int, words: str
) -> None:
    settle(loan, "on_paid", now)
    Loan.objects.update(announced_at=now)
    make_request(loan, status=status, amount=amount, at=now)

    assert phone_of(at_line).dial() == f"{words}\n{MAIN}"
    phone = phone_of(at_line)
    assert phone.dial() == f"{words}\n{MAIN}"
    phone.type("9")

    assert phone_of(at_line).dial() == MAIN
    assert CollectionRequest.objects.get().announced_at is not None


@pytest.mark.parametrize("status", ["queued", "pending"])
def test_open_request_to_pay_is_no_news(at_line: Gateway, loan: Loan, now: datetime, status: str) -> None:
    settle(loan, "on_paid", now)
    Loan.objects.update(announced_at=now)
    make_request(loan, status=status, at=now)

    assert phone_of(at_line).dial() == MAIN


def test_several_news_are_told_newest_first_one_a_dial_with_one_statement(
    at_line: Gateway, loan: Loan, ada: User, codes: list[PromoCode], now: datetime
) -> None:
    redeem_code(customer_id=ada.pk, phone=ADA, typed=str(codes[0]), idempotency_key="k", at=now - timedelta(minutes=5))
    settle(loan, "on_paid", now + timedelta(minutes=1))
    make_request(loan, status="failed", at=now + timedelta(minutes=2))
    heard = []
    for _dial in range(4):
        phone = phone_of(at_line)
        with CaptureQueriesContext(connection) as queries:
            heard.append(phone.dial().split("\n")[0])
        assert len(queries) == 1
        phone.type("9")

    assert heard == [
        "Your payment of NGN 4,000 did not go through.",
        f"Your loan of NGN 9,000 was paid to you. Repay NGN 10,000 by {due_day(now, days=30)}.",
        "RWF 5,000 is on its way to you.",
        "Starhash: loans",
    ]


def test_nobody_hears_of_the_loan_of_another(at_line: Gateway, loan: Loan, now: datetime) -> None:
    make_borrower("+2348037654321", at=now)
    other = phone_of(at_line)
    other.phone = "+2348037654321"

    assert other.dial() == MAIN
    assert other.type("2") == "You have no loan yet.\n0 Back"
