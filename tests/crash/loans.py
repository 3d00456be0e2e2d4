"""Loans approved over USSD, seen from inside and from outside: what `tests.crash.payouts` is for redeemed codes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import User
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments
from disbursements.models import Attempt, Disbursement
from ledger.models import Account
from ledger.selectors import balance_of
from loans.models import CreditProfile, Loan
from loans.services.approvals import approve_offer
from loans.services.offers import make_offers
from notifications.models import SmsMessage
from tests.crash.payouts import CREDENTIALS, configure
from tests.support.sandbox_process import SandboxProcess

# What a newcomer borrows who takes all that is offered: 10 % interest, deducted upfront.
OWED, INTEREST, DISBURSED = Decimal(10_000), Decimal(1_000), Decimal(9_000)
TAKES_ALL = 3
PARTNER = "gateway@partner.example"


@dataclass(frozen=True)
class LoanStory:
    """What became of one borrower: our rows, the customer's phone, and the provider's book with its amounts."""

    loans: list[tuple[str, Decimal, Decimal]]
    payouts: list[str]
    attempts: list[str]
    profile: tuple[int, Decimal, Decimal, str]
    promised: list[str]
    messages: int
    book: list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Borrowing:
    """One customer who took one loan. Every borrower has a phone of their own."""

    phone: str
    payout_id: UUID

    @property
    def payout(self) -> Disbursement:
        return Disbursement.objects.get(pk=self.payout_id)

    def story(self, sandbox: SandboxProcess) -> LoanStory:
        return story_of(self.phone, sandbox)


def story_of(phone: str, sandbox: SandboxProcess) -> LoanStory:
    """Everything there is to compare about whoever has this phone; they have borrowed."""
    loans = Loan.objects.filter(phone=phone).select_related("disbursement").order_by("created_at", "pk")
    profile = CreditProfile.objects.get(customer__phone=phone)
    attempts = Attempt.objects.filter(disbursement__payee=phone).order_by("disbursement__requested_at", "number")
    return LoanStory(
        loans=[(loan.status, loan.amount, loan.outstanding) for loan in loans],
        payouts=[payout.status for payout in Disbursement.objects.filter(payee=phone).order_by("requested_at", "pk")],
        attempts=[attempt.status for attempt in attempts],
        profile=(profile.total_loans, profile.total_borrowed, profile.outstanding, profile.repayment_status),
        promised=[message.template for message in SmsMessage.objects.filter(to=phone).order_by("created_at")],
        messages=len(sandbox.sms(phone)),
        book=[
            (transfer["status"], Decimal(str(transfer["amount"])))
            for transfer in sandbox.transfers(partyId=phone.removeprefix("+"))
        ],
    )


def lent_once(story: LoanStory) -> bool:
    """Whether there is exactly one loan, one transfer of what the customer was to get succeeded, every other was
    refused for certain, the profile has the loan once, and the customer knows.
    """
    failures = story.attempts.count("refused")
    times_given_up = story.promised.count("loan.payout_failed")
    return story == LoanStory(
        loans=[("DISBURSED", OWED, OWED)],
        payouts=["completed"],
        attempts=["refused"] * failures + ["succeeded"],
        profile=(1, OWED, OWED, "PENDING"),
        promised=["loan.payout_failed"] * times_given_up + ["loan.paid"],
        messages=times_given_up + 1,
        book=[("FAILED", DISBURSED)] * failures + [("SUCCESSFUL", DISBURSED)],
    )


def make_borrower(number: int) -> User:
    """Somebody in Nigeria who has dialled before and never borrowed."""
    return User.objects.create(phone=f"+234803100{number:04d}", language="en", network="MTN NG")


def offer_to(phone: str, *, at: datetime, session_id: str = "session") -> None:
    """The customer is shown 5,000, 7,500 and 10,000."""
    result = make_offers(phone=phone, session_id=session_id, network="MTN NG", partner=PARTNER, at=at)
    assert [terms.amount for terms in result.terms] == [5000, 7500, OWED], result


def borrow_one(number: int, *, at: datetime) -> Borrowing:
    """The `number`-th borrower takes all that is offered: a payout that is due."""
    phone = str(make_borrower(number).phone)
    offer_to(phone, at=at)
    result = approve_offer(
        phone=phone, session_id="session", option=TAKES_ALL, amount=None, network="MTN NG", partner=PARTNER, at=at
    )
    assert result.loan is not None, result
    return Borrowing(phone, Disbursement.objects.get(loan=result.loan.id).pk)


def configure_lending(at: datetime, *, callbacks: bool = False, **changes: Any) -> None:
    """Put settings of payouts in force for every process: the account that pays naira, and what holds for all."""
    configure(at, momo_callbacks_enabled=callbacks, **changes)
    naira = {**CREDENTIALS, "momo_callbacks_enabled": callbacks}
    change_category(NigeriaPayments, changes=naira, changed_by=None, reason="Test", at=at)


def books() -> dict[str, Decimal]:
    """What stands on lending's accounts; empty ones are left out."""
    accounts = Account.objects.filter(code__startswith="loans:")
    found = {account.code.split(":", 1)[1].removesuffix(":NGN"): balance_of(account) for account in accounts}
    return {name: balance for name, balance in found.items() if balance}


def books_after(loans: int) -> dict[str, Decimal]:
    """What must stand there when so many newcomers took all that was offered and have the money."""
    return {"receivable": loans * OWED, "interest_income": -loans * INTEREST}
