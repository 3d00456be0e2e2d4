"""Writing a loan off: nobody expects the money any more. What comes in afterwards is a recovery."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from ledger.services import post
from loans.accounts import receivable_account, written_off_account
from loans.locks import lock_loan, lock_profile
from loans.models import Loan
from loans.refusals import LendingRefusal
from loans.scoring import write_off_penalty
from loans.services.balances import refresh_standing
from loans.services.credit import apply_penalty
from loans.settings_in_force import lending_settings
from loans.statuses import LoanStatus, ScoreReason


class NotWritable(LendingRefusal):
    """The loan is not owed, the person has a part in it, or no reason was given."""

    code = "NOT_WRITABLE"


def write_off_loan(*, loan_id: UUID, written_off_by: User, reason: str, at: datetime) -> Loan:
    """Give an owed loan up: what is outstanding becomes our loss and no longer counts against the customer's limit;
    their score is lowered by rule. The debt itself stays: what comes in is booked as recovered. Twice changes nothing.

    Raises NotWritable, Loan.DoesNotExist, SettingsUnknown.
    """
    if not reason.strip():
        raise NotWritable("Say why: the reason is kept with the loan.")
    with acting(user_id=written_off_by.pk, label=written_off_by.get_username()), transaction.atomic():
        profile = lock_profile(Loan.objects.values_list("customer_id", flat=True).get(pk=loan_id))
        loan = lock_loan(loan_id)
        if loan.status == LoanStatus.WRITTEN_OFF:
            return loan
        if loan.status not in LoanStatus.OWED:
            raise NotWritable(f"Only a loan that is owed can be written off: {LoanStatus(loan.status).label.lower()}.")
        if written_off_by.pk == loan.customer_id:
            raise NotWritable("Another person must decide about your own loan.")
        before = loan.status
        loan.status = LoanStatus.WRITTEN_OFF
        loan.written_off_at = at
        loan.reason = reason.strip()[:300]
        loan.save(update_fields=["status", "written_off_at", "reason"])
        post(
            key=f"loan:{loan.pk}:write-off",
            description=f"Loan {loan.number} written off",
            entries=[
                (written_off_account(loan.currency), loan.outstanding),
                (receivable_account(loan.currency), -loan.outstanding),
            ],
            at=at,
        )
        profile.outstanding -= loan.outstanding
        profile.save(update_fields=["outstanding", "updated_at"])
        penalty = write_off_penalty(lending_settings().credit)
        apply_penalty(
            profile=profile,
            loan=loan,
            points=penalty.points,
            reason=ScoreReason.WRITE_OFF,
            explanation=penalty.explanation,
            at=at,
        )
        refresh_standing(profile)
        record(
            "loan.written_off",
            target=loan,
            before={"status": before},
            after={"status": loan.status, "outstanding": str(loan.outstanding)},
            reason=loan.reason,
            at=at,
        )
    return loan
