"""Taking a repayment back: it bounced, or was booked by mistake. Everything it did is undone, and its trail stays.

Money that the repayment brought beyond its loan may have gone to other loans meanwhile: it is taken back from those,
the latest first. What is left over of it then settles what is owed anew.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from ledger.services import post, reverse
from loans.accounts import receivable_account, written_off_account
from loans.locks import lock_loan, lock_profile, lock_repayment
from loans.models import CreditProfile, Loan, Repayment
from loans.refusals import LendingRefusal
from loans.selectors import latest_use_of_overpaid
from loans.services.balances import refresh_standing, take_payment_back
from loans.services.bookings import posting_key
from loans.services.credit import apply_loan_points
from loans.services.overpaid import use_overpaid
from loans.services.repayment_news import tell_reversed, tell_used
from loans.statuses import Rail, RepaymentStatus, ScoreReason


class NotReversible(LendingRefusal):
    """The repayment moved no money by itself, the person has a part in it, or no reason was given."""

    code = "NOT_REVERSIBLE"


def reverse_repayment(*, repayment_id: UUID, reversed_by: User, reason: str, at: datetime) -> Repayment:
    """Take a repayment back: ledger, loan, totals, score and limit are as if it had never come; loan and customer are
    told so. A loan it had completed is owed again, overdue if its date is over. Twice changes nothing.

    Raises NotReversible, Repayment.DoesNotExist.
    """
    if not reason.strip():
        raise NotReversible("Say why: the reason is kept with the repayment.")
    with acting(user_id=reversed_by.pk, label=reversed_by.get_username()), transaction.atomic():
        customer_id, loan_id = Repayment.objects.values_list("customer_id", "loan_id").get(pk=repayment_id)
        profile = lock_profile(customer_id)
        loan = lock_loan(loan_id)
        repayment = lock_repayment(repayment_id)
        if repayment.status == RepaymentStatus.REVERSED:
            return repayment
        if repayment.rail == Rail.CREDIT:
            raise NotReversible(
                "This came from what the customer had paid too much. Take back the repayment that brought the money."
            )
        if reversed_by.pk == customer_id:
            raise NotReversible("Another person must take repayments of your own loan back.")
        repayment.loan = loan
        _free(repayment, profile=profile, reversed_by=reversed_by, reason=reason.strip(), at=at)
        _undo(repayment, profile=profile, reversed_by=reversed_by, reason=reason.strip(), at=at)
        used = use_overpaid(profile=profile, at=at)
        refresh_standing(profile)
        loan.refresh_from_db()
        tell_reversed(repayment, at=at)
        tell_used(used, at=at)
    return repayment


def _free(repayment: Repayment, *, profile: CreditProfile, reversed_by: User, reason: str, at: datetime) -> None:
    """Until we hold what the repayment brought too much, take it back from the loans it went to."""
    while profile.overpaid < repayment.overpaid:
        use = latest_use_of_overpaid(profile.customer_id)
        assert use is not None, "what was overpaid is held, or was used"
        use = lock_repayment(use.pk)
        use.loan = repayment.loan if use.loan_id == repayment.loan_id else lock_loan(use.loan_id)
        _undo(use, profile=profile, reversed_by=reversed_by, reason=reason, at=at)


def _undo(repayment: Repayment, *, profile: CreditProfile, reversed_by: User, reason: str, at: datetime) -> None:
    loan = repayment.loan
    before = {"status": loan.status, "outstanding": str(loan.outstanding)}
    repayment.status = RepaymentStatus.REVERSED
    repayment.reversed_at = at
    repayment.reversed_by = reversed_by
    repayment.reversal_reason = reason
    repayment.save(update_fields=["status", "reversed_at", "reversed_by", "reversal_reason"])
    key = posting_key(repayment)
    reverse(
        posting_key=key,
        key=f"{key}:reversal",
        description=f"Repayment of loan {loan.number} taken back: {reason}"[:200],
        at=at,
    )
    take_payment_back(loan=loan, profile=profile, amount=repayment.applied, at=at)
    if loan.written_off_at is not None and not repayment.was_written_off:
        _write_off_too(repayment, at=at)
    profile.overpaid += repayment.amount if repayment.rail == Rail.CREDIT else -repayment.overpaid
    profile.save(update_fields=["total_repaid", "outstanding", "overpaid", "updated_at"])
    if repayment.applied:
        apply_loan_points(profile=profile, loan=loan, repayment=repayment, reason=ScoreReason.REVERSAL, at=at)
    record(
        "loan.repayment_reversed",
        target=loan,
        before=before,
        after={
            "status": loan.status,
            "outstanding": str(loan.outstanding),
            "repayment": str(repayment.pk),
            "amount": str(repayment.amount),
            "rail": repayment.rail,
            "reference": repayment.reference,
        },
        reason=reason,
        at=at,
    )


def _write_off_too(repayment: Repayment, *, at: datetime) -> None:
    """The loan was written off after this repayment: what it had paid is lost as well."""
    loan: Loan = repayment.loan
    if not repayment.applied:
        return
    post(
        key=f"{posting_key(repayment)}:write-off",
        description=f"Loan {loan.number}, written off before: a repayment was taken back"[:200],
        entries=[
            (written_off_account(loan.currency), repayment.applied),
            (receivable_account(loan.currency), -repayment.applied),
        ],
        at=at,
    )
