"""One repayment's own booking: its row, its posting, and what it does to loan, profile and score.

Callers hold the locks of the credit profile and of the loan, in this order, in one transaction.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from audit.services import record
from ledger.inserts import insert_once
from ledger.models import Account, Posting
from ledger.services import post
from loans.accounts import collected_account, overpaid_account, receivable_account, recovered_account
from loans.models import CreditProfile, Repayment
from loans.services.balances import add_payment
from loans.services.credit import apply_loan_points
from loans.statuses import LoanStatus, Rail, ScoreReason


class _ReferenceTaken(Exception):
    """Undoes the posting of a repayment whose reference another transaction has just booked."""


def posting_key(repayment: Repayment) -> str:
    """Key of the repayment's posting: its second part is the loan."""
    return f"loan:{repayment.loan_id}:repayment:{repayment.pk}"


def book_repayment(*, repayment: Repayment, profile: CreditProfile, at: datetime) -> bool:
    """Book the repayment on its loan; what the loan does not need is added to what we hold for the customer.

    False, and nothing written, when the (rail, reference) is taken.
    """
    loan = repayment.loan
    repayment.applied = min(repayment.amount, loan.outstanding)
    repayment.overpaid = repayment.amount - repayment.applied
    repayment.was_written_off = loan.status == LoanStatus.WRITTEN_OFF
    try:
        with transaction.atomic():
            repayment.posting = _post(repayment, at=at)
            if not insert_once(repayment):
                raise _ReferenceTaken
    except _ReferenceTaken:
        return False
    before = {"status": loan.status, "outstanding": str(loan.outstanding)}
    add_payment(loan=loan, profile=profile, amount=repayment.applied)
    if repayment.rail == Rail.CREDIT:
        profile.overpaid -= repayment.amount
    else:
        profile.overpaid += repayment.overpaid
    profile.save(update_fields=["total_repaid", "outstanding", "overpaid", "updated_at"])
    if repayment.applied:
        apply_loan_points(profile=profile, loan=loan, repayment=repayment, reason=ScoreReason.REPAYMENT, at=at)
    record(
        "loan.repaid",
        target=loan,
        before=before,
        after={
            "status": loan.status,
            "outstanding": str(loan.outstanding),
            "repayment": str(repayment.pk),
            "amount": str(repayment.amount),
            "overpaid": str(repayment.overpaid),
            "rail": repayment.rail,
            "reference": repayment.reference,
            "channel": repayment.channel,
        },
        reason=repayment.note,
        at=at,
    )
    return True


def _post(repayment: Repayment, *, at: datetime) -> Posting:
    """The money is with us (or was already, for credit); the loan owes so much less; the rest is the customer's."""
    loan, currency = repayment.loan, repayment.currency
    source = (
        overpaid_account(currency) if repayment.rail == Rail.CREDIT else collected_account(repayment.rail, currency)
    )
    lines: list[tuple[Account, Decimal]] = [(source, repayment.amount)]
    if repayment.applied:
        settled = recovered_account(currency) if repayment.was_written_off else receivable_account(currency)
        lines.append((settled, -repayment.applied))
    if repayment.overpaid:
        lines.append((overpaid_account(currency), -repayment.overpaid))
    description = f"Repayment of loan {loan.number}, {repayment.rail} {repayment.reference}"
    return post(key=posting_key(repayment), description=description[:200], entries=lines, at=at)
