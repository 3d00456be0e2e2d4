"""What loans made over USSD and by staff have in common: the row, the customer's limit and totals, the payout.

Callers hold the lock of the credit profile and save what these functions say they changed in it. Interest is deducted
upfront (spec 1, decision 4): the customer gets `disbursed_amount` and owes `amount`.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.services.requests import request_disbursement
from loans.accounts import receivable_account
from loans.eligibility import OfferTerms, terms_of
from loans.models import CreditProfile, Loan
from loans.services.credit import facts_of
from loans.settings_in_force import LendingSettings
from loans.statuses import LoanChannel, LoanStatus

PURPOSE = "loan"
# What the functions below change in a profile.
PROFILE_FIELDS = ("outstanding", "total_loans", "last_loan_at", "updated_at")


class CreditLimitExceeded(ValueError):
    """With this loan the customer would owe more than their limit."""

    code = "CREDIT_LIMIT_EXCEEDED"


@dataclass(frozen=True, kw_only=True)
class NewLoan:
    """A loan to be made: for whom, how much, and where it comes from.

    `terms.due_date` is not read: the days to repay begin on the country's day the loan is made.
    """

    customer: User
    phone: str
    currency: str
    terms: OfferTerms
    channel: LoanChannel
    number: str
    idempotency_key: str
    network: str = ""
    partner: str = ""
    session_id: str = ""
    session_instance: str = ""
    offer: uuid.UUID | None = None
    explanation: dict[str, Any] = field(default_factory=dict)
    created_by: User | None = None


def build_loan(new: NewLoan, *, status: LoanStatus, settings: LendingSettings, at: datetime) -> Loan:
    """The row, not saved yet: PENDING, or APPROVED by the system at once."""
    terms = terms_of(new.terms.amount, new.terms.rate, new.terms.days, new.currency, settings.local_day(at))
    return Loan(
        id=uuid.uuid4(),
        number=new.number,
        customer=new.customer,
        phone=new.phone,
        currency=new.currency,
        amount=terms.amount,
        interest_rate=terms.rate,
        interest=terms.interest,
        disbursed_amount=terms.disbursed_amount,
        outstanding=terms.amount,
        repayment_period_days=terms.days,
        due_date=terms.due_date,
        status=status,
        channel=new.channel,
        network=new.network,
        partner=new.partner,
        session_id=new.session_id,
        session_instance=new.session_instance,
        idempotency_key=new.idempotency_key,
        offer=new.offer,
        explanation=new.explanation,
        created_by=new.created_by,
        created_at=at,
        approved_at=at if status == LoanStatus.APPROVED else None,
    )


def check_limit(profile: CreditProfile, amount: Decimal, *, settings: LendingSettings) -> None:
    """Raises CreditLimitExceeded when what is promised and owed, with this amount, is above the limit in force."""
    if profile.outstanding + amount > facts_of(profile, settings.credit).credit_limit:
        raise CreditLimitExceeded("This amount is above the customer's limit.")


def count_promised(profile: CreditProfile, loan: Loan) -> None:
    """The loan counts against the limit from now on; not saved."""
    profile.outstanding += loan.outstanding


def count_approved(profile: CreditProfile, *, at: datetime) -> None:
    """One more loan, and the pause before the next one begins; not saved."""
    profile.total_loans += 1
    profile.last_loan_at = at


def uncount(profile: CreditProfile, loan: Loan, *, was_approved: bool) -> None:
    """A loan that was rejected or cancelled, and is saved so: as if it had never been; not saved in the profile."""
    profile.outstanding -= loan.outstanding
    if was_approved:
        profile.total_loans -= 1
        alive = Loan.objects.filter(customer_id=profile.pk, approved_at__isnull=False).exclude(
            status__in=LoanStatus.DEAD
        )
        newest = alive.order_by("-approved_at", "-pk").first()
        profile.last_loan_at = newest.approved_at if newest else None


def request_payout(*, loan: Loan, customer: User, requested_by: User | None = None, at: datetime) -> Disbursement:
    """Ask for the loan's one payout, in the caller's transaction; four INSERTs. The caller stores it with the loan.

    Open the receivable account before the transaction to save statements in a new process. Raises what
    `request_disbursement` raises.
    """
    return request_disbursement(
        purpose=PURPOSE,
        payee=loan.phone,
        customer=customer,
        amount=loan.disbursed_amount,
        currency=loan.currency,
        key=f"loan:{loan.pk}",
        funded_from=receivable_account(loan.currency),
        requested_by=requested_by,
        at=at,
    )
