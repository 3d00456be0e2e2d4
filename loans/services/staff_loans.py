"""Loans made in the back office: the same eligibility, limits, pause, rates and payout as over USSD, in steps.

One person makes the loan, another approves or rejects it, somebody has it paid out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from configuration.selectors import SettingsUnknown
from disbursements.accounts import InvalidDisbursement
from disbursements.services.decisions import NotCancellable, NotRetryable, cancel_disbursement, retry_disbursement
from disbursements.services.requests import AmountOutOfRange
from ledger.inserts import insert_once
from ledger.money import format_amount, is_payable
from loans.borrowers import is_served
from loans.eligibility import OfferTerms, decide_eligibility, terms_of
from loans.locks import lock_loan, lock_profile
from loans.models import CreditProfile, Loan
from loans.numbers import next_loan_number
from loans.refusals import LendingRefusal
from loans.selectors import loan_of_key, newest_living_loan
from loans.services.credit import facts_of, open_profile
from loans.services.making import (
    PROFILE_FIELDS,
    CreditLimitExceeded,
    NewLoan,
    build_loan,
    check_limit,
    count_approved,
    count_promised,
    request_payout,
    uncount,
)
from loans.settings_in_force import LendingSettings, lending_settings
from loans.statuses import LoanChannel, LoanStatus


class NotLendable(LendingRefusal):
    """This customer cannot have this amount now; the message says why."""

    code = "NOT_LENDABLE"


class NotMovable(LendingRefusal):
    """The loan is not where this step begins, or this person may not take it."""

    code = "NOT_MOVABLE"


def create_loan(*, phone: str, amount: Decimal, note: str, created_by: User, key: str, at: datetime) -> Loan:
    """A loan of this amount for the customer with this number (E.164), waiting for another person's approval.

    The customer's score decides interest and days, as over USSD; the loan keeps the explanation and the `note`. The
    same `key` gives the first loan again. Raises NotLendable.
    """
    settings = _settings()
    customer = User.objects.filter(phone=phone).first()
    if customer is None:
        raise NotLendable("No customer with this phone number has dialled yet.")
    if customer.pk == created_by.pk:
        raise NotLendable("Another person must make your own loan.")
    idempotency_key = f"staff:{key}"
    number = next_loan_number(channel=LoanChannel.STAFF, at=at, zone=settings.loans.zone)
    with acting(user_id=created_by.pk, label=created_by.get_username()), transaction.atomic():
        profile = open_profile(customer=customer, at=at)
        if first := loan_of_key(idempotency_key):
            return first
        _check_served(customer, phone, settings)
        terms, explanation = _judge(profile, phone, amount, settings, at=at)
        new = NewLoan(
            customer=customer,
            phone=phone,
            currency=settings.loans.currency,
            terms=terms,
            channel=LoanChannel.STAFF,
            number=number,
            idempotency_key=idempotency_key,
            network=customer.network,
            explanation={**explanation, "note": note.strip()},
            created_by=created_by,
        )
        loan = build_loan(new, status=LoanStatus.PENDING, settings=settings, at=at)
        if not insert_once(loan):
            raise NotLendable("This form was sent for another customer already. Open it anew.")
        count_promised(profile, loan)
        # The pause before the next loan, over USSD too, begins when a loan is made.
        profile.last_loan_at = at
        profile.save(update_fields=PROFILE_FIELDS)
        _record("loan.created", loan, before=None, reason=note.strip(), at=at)
    return loan


def approve_loan(*, loan_id: UUID, approved_by: User, at: datetime) -> Loan:
    """Another person than the maker and the borrower lets the loan go on. The same person again changes nothing.

    Raises NotMovable, NotLendable when the limit is lower now or the customer no longer served.
    """
    settings = _settings()
    with _acting_on(loan_id, approved_by) as (profile, loan):
        if loan.status == LoanStatus.APPROVED and loan.approved_by_id == approved_by.pk:
            return loan
        _require(loan, LoanStatus.PENDING, "approved")
        if approved_by.pk in (loan.created_by_id, loan.customer_id):
            raise NotMovable("Another person than the maker and the borrower must approve this loan.")
        _check_served(loan.customer, loan.phone, settings)
        if profile.outstanding > facts_of(profile, settings.credit).credit_limit:
            raise NotLendable("The customer's limit is lower now than what they would owe.")
        loan.status = LoanStatus.APPROVED
        loan.approved_by = approved_by
        loan.approved_at = at
        loan.save(update_fields=["status", "approved_by", "approved_at"])
        count_approved(profile, at=at)
        profile.save(update_fields=PROFILE_FIELDS)
        _record("loan.approved", loan, before=LoanStatus.PENDING, at=at)
    return loan


def reject_loan(*, loan_id: UUID, rejected_by: User, reason: str, at: datetime) -> Loan:
    """The loan is not made; again changes nothing. Raises NotMovable."""
    with _acting_on(loan_id, rejected_by) as (profile, loan):
        if loan.status == LoanStatus.REJECTED:
            return loan
        _require(loan, LoanStatus.PENDING, "rejected")
        _end(loan, profile, LoanStatus.REJECTED, "loan.rejected", reason=reason, at=at)
    return loan


def disburse_loan(*, loan_id: UUID, disbursed_by: User, at: datetime) -> Loan:
    """Ask for the payout of an approved loan; the days to repay begin now. Again changes nothing.

    Above the payouts' threshold a second person must let the money go. Raises NotMovable, NotLendable.
    """
    settings = _settings()
    with _acting_on(loan_id, disbursed_by) as (_profile, loan):
        if loan.disbursement_id is not None:
            return loan
        _require(loan, LoanStatus.APPROVED, "paid out")
        if disbursed_by.pk == loan.customer_id:
            raise NotMovable("Another person must pay out your own loan.")
        _check_served(loan.customer, loan.phone, settings)
        try:
            loan.disbursement = request_payout(loan=loan, customer=loan.customer, requested_by=disbursed_by, at=at)
        except (AmountOutOfRange, InvalidDisbursement, SettingsUnknown) as refusal:
            raise NotLendable(f"It cannot be paid out: {refusal}") from refusal
        loan.due_date = settings.local_day(at) + timedelta(days=loan.repayment_period_days)
        loan.save(update_fields=["disbursement", "due_date"])
        _record("loan.disbursement_requested", loan, before=LoanStatus.APPROVED, at=at)
    return loan


def cancel_loan(*, loan_id: UUID, cancelled_by: User, reason: str, at: datetime) -> Loan:
    """Call a loan off of which nothing can have been sent; again changes nothing. Raises NotMovable."""
    payout_id = Loan.objects.values_list("disbursement_id", flat=True).get(pk=loan_id)
    if payout_id is not None:
        try:
            # Its owner cancels the loan with it.
            cancel_disbursement(disbursement_id=payout_id, cancelled_by=cancelled_by, reason=reason.strip(), at=at)
        except NotCancellable as refusal:
            raise NotMovable(str(refusal)) from refusal
        return Loan.objects.get(pk=loan_id)
    with _acting_on(loan_id, cancelled_by) as (profile, loan):
        if loan.status == LoanStatus.CANCELLED:
            return loan
        if loan.disbursement_id is not None or loan.status not in (LoanStatus.PENDING, LoanStatus.APPROVED):
            raise NotMovable(f"This loan can no longer be cancelled: {LoanStatus(loan.status).label.lower()}.")
        _end(loan, profile, LoanStatus.CANCELLED, "loan.cancelled", reason=reason, at=at)
    return loan


def retry_payout(*, loan_id: UUID, requested_by: User, reason: str, at: datetime) -> Loan:
    """Set the failed payout of a loan going again; it is the same payout and pays once. Raises NotMovable."""
    payout_id = Loan.objects.values_list("disbursement_id", flat=True).get(pk=loan_id)
    if payout_id is None:
        raise NotMovable("This loan has no payout yet.")
    try:
        retry_disbursement(disbursement_id=payout_id, requested_by=requested_by, reason=reason.strip(), at=at)
    except NotRetryable as refusal:
        raise NotMovable(str(refusal)) from refusal
    return Loan.objects.get(pk=loan_id)


def _settings() -> LendingSettings:
    try:
        return lending_settings()
    except SettingsUnknown as refusal:
        raise NotLendable(str(refusal)) from refusal


def _check_served(customer: User, phone: str, settings: LendingSettings) -> None:
    """Raises NotLendable."""
    if not customer.is_active:
        raise NotLendable("The customer is deactivated.")
    if not is_served(customer, phone, settings.loans):
        raise NotLendable(f"Loans are paid to phones of {settings.loans.region} only.")


def _judge(
    profile: CreditProfile, phone: str, amount: Decimal, settings: LendingSettings, *, at: datetime
) -> tuple[OfferTerms, dict[str, Any]]:
    """The terms of this amount and their explanation. Raises NotLendable."""
    currency = settings.loans.currency
    if not is_payable(amount, currency) or amount <= 0:
        raise NotLendable(f"{amount} {currency} is not an amount that can be lent.")
    newest = newest_living_loan(phone)
    if newest and (left := newest.created_at + settings.loans.cooldown - at) > timedelta():
        minutes = -(-left // timedelta(minutes=1))
        raise NotLendable(f"Loan {newest.number} was made a short while ago. Try again in {minutes} minutes.")
    facts = facts_of(profile, settings.credit)
    eligible = decide_eligibility(facts, settings.credit, settings.loans, versions=settings.versions)
    if amount > eligible.amount:
        raise NotLendable(f"The customer may borrow {format_amount(eligible.amount, currency)} at most.")
    try:
        check_limit(profile, amount, settings=settings)
    except CreditLimitExceeded as refusal:
        room = max(facts.credit_limit - profile.outstanding, Decimal(0))
        raise NotLendable(f"Only {format_amount(room, currency)} is left of the customer's limit.") from refusal
    terms = terms_of(amount, eligible.rate, eligible.days, currency, settings.local_day(at))
    if terms.disbursed_amount <= 0:
        raise NotLendable("After interest nothing would be paid out.")
    return terms, eligible.explanation


@contextmanager
def _acting_on(loan_id: UUID, person: User) -> Iterator[tuple[CreditProfile, Loan]]:
    with acting(user_id=person.pk, label=person.get_username()), transaction.atomic():
        profile = lock_profile(Loan.objects.values_list("customer_id", flat=True).get(pk=loan_id))
        yield profile, lock_loan(loan_id)


def _require(loan: Loan, status: LoanStatus, done: str) -> None:
    if loan.status != status:
        raise NotMovable(f"This loan cannot be {done}: {LoanStatus(loan.status).label.lower()}.")


def _end(loan: Loan, profile: CreditProfile, status: LoanStatus, action: str, *, reason: str, at: datetime) -> None:
    if not reason.strip():
        raise NotMovable("Say why: the reason is kept with the loan.")
    before = LoanStatus(loan.status)
    loan.status = status
    loan.reason = reason.strip()[:300]
    loan.save(update_fields=["status", "reason"])
    uncount(profile, loan, was_approved=before == LoanStatus.APPROVED)
    profile.save(update_fields=PROFILE_FIELDS)
    _record(action, loan, before=before, reason=loan.reason, at=at)


def _record(action: str, loan: Loan, *, before: LoanStatus | None, reason: str = "", at: datetime) -> None:
    record(
        action,
        target=loan,
        before={"status": before.value} if before else None,
        after={
            "status": loan.status,
            "number": loan.number,
            "phone": loan.phone,
            "amount": str(loan.amount),
            "disbursed_amount": str(loan.disbursed_amount),
            "currency": loan.currency,
            "due_date": loan.due_date.isoformat(),
        },
        reason=reason,
        at=at,
    )
