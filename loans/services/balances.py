"""How a payment, or its loss, moves a loan and the sums of its customer.

Callers hold the locks of the credit profile and of the loan; the loan is saved here, the profile by the caller.
"""

from datetime import date, datetime
from decimal import Decimal

from configuration.selectors import current
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan
from loans.selectors import paid_up_at, standing_of
from loans.statuses import LoanStatus


def add_payment(*, loan: Loan, profile: CreditProfile, amount: Decimal) -> None:
    """The loan owes so much less: repaying, or repaid when nothing is left; overdue until then if it is overdue."""
    if not amount:
        return
    counted = loan.status in LoanStatus.OUTSTANDING
    _pay(loan, amount)
    if not loan.outstanding:
        loan.status = LoanStatus.COMPLETED
        loan.completed_at = paid_up_at(loan)
    elif loan.status == LoanStatus.DISBURSED:
        loan.status = LoanStatus.REPAYING
    _save(loan)
    profile.total_repaid += amount
    if counted:
        profile.outstanding -= amount


def take_payment_back(*, loan: Loan, profile: CreditProfile, amount: Decimal, at: datetime) -> None:
    """The loan owes so much more: where it stands follows from its write-off, due date and what is still paid."""
    if not amount:
        return
    was_overdue = loan.status == LoanStatus.OVERDUE
    _pay(loan, -amount)
    loan.completed_at = None
    loan.status = _status_owed(loan, today=at.astimezone(current(LoanSettings).zone).date())
    if loan.status == LoanStatus.OVERDUE and not was_overdue:
        loan.overdue_at = at
    _save(loan)
    profile.total_repaid -= amount
    if loan.status in LoanStatus.OUTSTANDING:
        profile.outstanding += amount


def _pay(loan: Loan, amount: Decimal) -> None:
    loan.amount_paid += amount
    loan.outstanding = loan.amount - loan.amount_paid


def _status_owed(loan: Loan, *, today: date) -> LoanStatus:
    if loan.written_off_at is not None:
        return LoanStatus.WRITTEN_OFF
    if loan.due_date < today:
        return LoanStatus.OVERDUE
    return LoanStatus.REPAYING if loan.amount_paid else LoanStatus.DISBURSED


def _save(loan: Loan) -> None:
    loan.save(update_fields=["status", "amount_paid", "outstanding", "overdue_at", "completed_at"])


def refresh_standing(profile: CreditProfile) -> None:
    """Set how the customer stands with their debts (spec 2, `User.repaymentStatus`), after all else is written."""
    standing = standing_of(profile.customer_id)
    if profile.repayment_status != standing:
        profile.repayment_status = standing
        profile.save(update_fields=["repayment_status", "updated_at"])
