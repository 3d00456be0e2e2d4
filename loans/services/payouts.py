"""What a payout's outcome means for its loan and customer: the owner of purpose `loan`.

Called inside the settlement's transaction, after the disbursement row is locked; each may be called again and then
changes nothing. Credit profile first, then loan. The customer's SMS is queued in the same transaction.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from audit.services import record
from configuration.selectors import current
from disbursements.models import Disbursement
from ledger.money import format_amount
from ledger.services import post
from loans.accounts import interest_income_account, receivable_account
from loans.configuration import LoanSettings
from loans.first_answers import answer_key, forget_answer
from loans.locks import lock_loan_of, lock_profile
from loans.models import CreditProfile, Loan
from loans.services.balances import refresh_standing
from loans.services.making import PROFILE_FIELDS, PURPOSE, uncount
from loans.services.overpaid import use_overpaid
from loans.services.repayment_news import tell_used
from loans.sessions import end_session
from loans.statuses import LoanStatus
from notifications.services import send_sms

# What a payout that failed without a word of the provider's is kept as.
UNSAID = "PAYOUT_FAILED"


class LoanPayouts:
    """Owner of the payouts of loans (`disbursements.owners`)."""

    purpose = PURPOSE

    def on_paid(self, disbursement: Disbursement, at: datetime) -> None:
        """The customer has the money and owes the loan; the session ends, and with it the chance to approve again.

        What we hold of the customer's money settles the loan at once.
        """
        profile, loan = _lock(disbursement)
        if loan.status != LoanStatus.APPROVED:
            return
        loan.disbursed_at = at
        loan.due_date = max(loan.due_date, _local_due_date(loan, at=at))
        # It may have been given up before.
        loan.error_code = loan.error_message = ""
        _move(loan, LoanStatus.DISBURSED, action="loan.disbursed", at=at)
        profile.total_borrowed += loan.amount
        profile.save(update_fields=["total_borrowed", "updated_at"])
        _earn_interest(loan, at=at)
        _tell(loan, "loan.paid", key=f"loan:{loan.pk}:paid", at=at)
        tell_used(use_overpaid(profile=profile, at=at), at=at)
        refresh_standing(profile)
        end_session(phone=loan.phone, instance=loan.session_instance)

    def on_failed(self, disbursement: Disbursement, at: datetime) -> None:
        """Given up for good: the loan stays approved, visible and retryable; the session stays, so that approving again
        sets the payout going again."""
        _profile, loan = _lock(disbursement)
        if loan.status != LoanStatus.APPROVED or loan.error_code:
            return
        loan.error_code = disbursement.error_code or UNSAID
        loan.error_message = disbursement.error_message
        _move(loan, LoanStatus.APPROVED, action="loan.payout_failed", at=at)
        # A retry that fails again is told again.
        _tell(loan, "loan.payout_failed", key=f"loan:{loan.pk}:failed:{disbursement.reserve_number}", at=at)
        _forget_answer(loan)

    def on_retried(self, disbursement: Disbursement, at: datetime) -> None:
        """Somebody asked for the payout again: under way as before."""
        _profile, loan = _lock(disbursement)
        if loan.status != LoanStatus.APPROVED or not loan.error_code:
            return
        loan.error_code = loan.error_message = ""
        _move(loan, LoanStatus.APPROVED, action="loan.payout_retried", at=at)

    def on_cancelled(self, disbursement: Disbursement, at: datetime) -> None:
        """Called off before anything was sent: as if the loan had never been, except that its row says so."""
        profile, loan = _lock(disbursement)
        if loan.status != LoanStatus.APPROVED:
            return
        loan.error_code = loan.error_message = ""
        _move(loan, LoanStatus.CANCELLED, action="loan.cancelled", at=at)
        uncount(profile, loan, was_approved=True)
        profile.save(update_fields=PROFILE_FIELDS)
        _tell(loan, "loan.payout_cancelled", key=f"loan:{loan.pk}:cancelled", at=at)
        _forget_answer(loan)


def _lock(disbursement: Disbursement) -> tuple[CreditProfile, Loan]:
    customer_id: UUID | None = disbursement.customer_id
    assert customer_id is not None, "a loan is paid to a customer"
    return lock_profile(customer_id), lock_loan_of(disbursement.pk)


def _local_due_date(loan: Loan, *, at: datetime) -> date:
    """Days to repay count from the country's day of the payout when that came later than promised."""
    return at.astimezone(current(LoanSettings).zone).date() + timedelta(days=loan.repayment_period_days)


def _earn_interest(loan: Loan, *, at: datetime) -> None:
    """The payout reserved what the customer got; with the interest the receivable is what they owe."""
    if not loan.interest:
        return
    post(
        key=f"loan:{loan.pk}:interest",
        description=f"Interest of loan {loan.number}",
        entries=[
            (receivable_account(loan.currency), loan.interest),
            (interest_income_account(loan.currency), -loan.interest),
        ],
        at=at,
    )


def _move(loan: Loan, status: LoanStatus, *, action: str, at: datetime) -> None:
    """Change the status, make it news, record it."""
    before = loan.status
    assert status == before or status in LoanStatus.MOVES[before], f"{before} to {status}"
    loan.status = status
    loan.announced_at = None
    loan.save(update_fields=["status", "disbursed_at", "due_date", "error_code", "error_message", "announced_at"])
    record(
        action,
        target=loan,
        before={"status": before},
        after={
            "status": loan.status,
            "number": loan.number,
            "due_date": loan.due_date.isoformat(),
            "disbursement": str(loan.disbursement_id),
            "error_code": loan.error_code,
        },
        at=at,
    )


def _forget_answer(loan: Loan) -> None:
    """Whoever approves again must be answered by the database, which knows that the payout is not under way."""
    forget_answer(answer_key(customer_id=loan.customer_id, instance=loan.session_instance, amount=loan.amount))


def _tell(loan: Loan, template: str, *, key: str, at: datetime) -> None:
    send_sms(
        to=loan.phone,
        template=template,
        language=loan.customer.language or "en",
        context={
            "disbursed": format_amount(loan.disbursed_amount, loan.currency),
            "amount": format_amount(loan.amount, loan.currency),
            "day": f"{loan.due_date:%d/%m/%Y}",
            "number": loan.number,
        },
        key=key,
        at=at,
    )
