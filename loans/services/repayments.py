"""Repayments: money that came in for a loan is booked once, whatever repeats (spec 2, "Repayments and score updates").

What a loan does not need is the customer's: it first settles their other owed loans, then we hold it for them.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from ledger.money import format_amount, is_payable
from loans.locks import lock_loan, lock_profile
from loans.models import CreditProfile, Loan, Repayment
from loans.refusals import LendingRefusal
from loans.selectors import find_repayment
from loans.services.balances import refresh_standing
from loans.services.bookings import book_repayment
from loans.services.overpaid import use_overpaid
from loans.services.repayment_news import tell_repaid
from loans.statuses import LoanStatus, Rail

# Loans that take money: owed, repaid already (then it is held), written off (then it is a recovery).
PAYABLE = LoanStatus.OWED | {LoanStatus.COMPLETED, LoanStatus.WRITTEN_OFF}

# What the columns cannot hold.
TOO_MUCH = Decimal(10) ** 12
# Nobody paid before. PostgreSQL keeps times that Python cannot read back.
TOO_EARLY = datetime(2000, 1, 1, tzinfo=UTC)


class InvalidRepayment(LendingRefusal):
    """The amount, currency, reference or time cannot be that of a repayment of this loan."""

    code = "INVALID_REPAYMENT"


class LoanNotOwed(LendingRefusal):
    """The loan was never paid out, so nothing can be repaid."""

    code = "LOAN_NOT_OWED"


class RepaymentConflict(LendingRefusal):
    """The rail's reference was booked before for another loan or amount. `first` is that repayment."""

    code = "REPAYMENT_CONFLICT"

    def __init__(self, first: Repayment) -> None:
        super().__init__(
            f"{Rail(first.rail).label} {first.reference} was booked before:"
            f" {format_amount(first.amount, first.currency)} for loan {first.loan.number}"
            f"{', and taken back since' if first.reversed_at else ''}."
        )
        self.first = first


@dataclass(frozen=True)
class RepaymentResult:
    """The repayment as booked; `is_new` is False for a repeat, which changed nothing."""

    repayment: Repayment
    is_new: bool


def record_repayment(
    *,
    loan_id: UUID,
    amount: Decimal,
    currency: str,
    rail: str,
    reference: str,
    channel: str,
    received_at: datetime,
    entered_by: User | None = None,
    note: str = "",
    at: datetime,
) -> RepaymentResult:
    """Book money that came in: loan, totals, score, limit, ledger, audit event and SMS in one transaction, the
    caller's if one is open.

    Once per (rail, reference): a repeat for the same loan and amount gets the first repayment, also when that was
    taken back since. `received_at` is when the customer paid: the day that counts for the score.
    Raises InvalidRepayment, LoanNotOwed, RepaymentConflict (nothing was written then) and Loan.DoesNotExist.
    """
    with _named(entered_by), transaction.atomic():
        customer_id = Loan.objects.values_list("customer_id", flat=True).get(pk=loan_id)
        profile = lock_profile(customer_id)
        loan = lock_loan(loan_id)
        repayment = Repayment(
            loan=loan,
            customer_id=customer_id,
            amount=amount,
            currency=currency,
            rail=rail,
            reference=reference.strip(),
            channel=channel,
            entered_by=entered_by,
            note=note,
            received_at=received_at,
            created_at=at,
        )
        if first := find_repayment(rail=rail, reference=repayment.reference):
            return _repeat(first, repayment)
        _check(repayment, profile, at=at)
        if not book_repayment(repayment=repayment, profile=profile, at=at):
            # Another transaction booked the reference for another customer a moment ago.
            first = find_repayment(rail=rail, reference=repayment.reference)
            assert first is not None, "a taken reference can be read"
            return _repeat(first, repayment)
        used = use_overpaid(profile=profile, at=at)
        refresh_standing(profile)
        tell_repaid(repayment=repayment, used=used, held=profile.overpaid, at=at)
        return RepaymentResult(repayment, is_new=True)


def _named(person: User | None) -> AbstractContextManager[None]:
    """In the person's name, when one entered it."""
    return acting(user_id=person.pk, label=person.get_username()) if person else nullcontext()


def _check(repayment: Repayment, profile: CreditProfile, *, at: datetime) -> None:
    """Raises InvalidRepayment, LoanNotOwed."""
    loan = repayment.loan
    if repayment.rail not in Rail.values or repayment.rail == Rail.CREDIT:
        raise InvalidRepayment(f"Repayments do not come in by {repayment.rail!r}.")
    if not 1 <= len(repayment.reference) <= 100:
        raise InvalidRepayment("The reference must have 1 to 100 characters.")
    if repayment.currency != loan.currency:
        raise InvalidRepayment(f"Loan {loan.number} is repaid in {loan.currency}, not in {repayment.currency}.")
    if not is_payable(repayment.amount, loan.currency) or not 0 < repayment.amount < TOO_MUCH:
        raise InvalidRepayment(f"{repayment.amount} {repayment.currency} is not an amount that can be paid.")
    if max(profile.total_repaid, profile.overpaid) + repayment.amount >= TOO_MUCH:
        raise InvalidRepayment("With this amount more would be booked for the customer than we can count.")
    if repayment.received_at > at:
        raise InvalidRepayment("A repayment cannot be received in the future.")
    if repayment.received_at < TOO_EARLY:
        raise InvalidRepayment("The day of payment is not of this century.")
    if repayment.entered_by_id == loan.customer_id:
        raise InvalidRepayment("Another person must book repayments of your own loan.")
    if loan.status not in PAYABLE:
        raise LoanNotOwed(f"Loan {loan.number} has not been paid out: {LoanStatus(loan.status).label.lower()}.")


def _repeat(first: Repayment, asked: Repayment) -> RepaymentResult:
    """Raises RepaymentConflict when it is not the same money."""
    same = (first.loan_id, first.amount, first.currency) == (asked.loan_id, asked.amount, asked.currency)
    if not same:
        raise RepaymentConflict(first)
    return RepaymentResult(first, is_new=False)
