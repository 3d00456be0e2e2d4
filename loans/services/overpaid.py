"""What a customer paid too much is theirs: it settles what they owe as soon as they owe anything, oldest due first."""

import uuid
from datetime import datetime

from loans.locks import lock_owed_loans
from loans.models import CreditProfile, Repayment
from loans.services.bookings import book_repayment
from loans.statuses import Rail, RepaymentChannel


def use_overpaid(*, profile: CreditProfile, at: datetime) -> list[Repayment]:
    """Settle the customer's owed loans with the money of theirs that we hold, as repayments by rail `credit`.

    Called, under the lock of the profile and in the caller's transaction, whenever either may have grown: after a
    repayment, after a reversal, after a payout. So nobody owes us while we hold their money. The caller sets the
    profile's standing afterwards.
    """
    used: list[Repayment] = []
    if not profile.overpaid:
        return used
    for loan in lock_owed_loans(profile.customer_id):
        if not profile.overpaid:
            break
        pk = uuid.uuid4()
        repayment = Repayment(
            pk=pk,
            loan=loan,
            customer_id=profile.customer_id,
            amount=min(profile.overpaid, loan.outstanding),
            currency=loan.currency,
            rail=Rail.CREDIT,
            reference=str(pk),
            channel=RepaymentChannel.CREDIT,
            received_at=at,
            created_at=at,
        )
        booked = book_repayment(repayment=repayment, profile=profile, at=at)
        assert booked, "a reference of our own making is free"
        used.append(repayment)
    return used
