"""Outcome first: a customer who dials again hears once what became of a loan's payout, or of a repayment."""

from datetime import datetime
from uuid import UUID

from loans.models import CollectionRequest, Loan
from loans.selectors_menu import PayoutStanding, loans_standing
from loans.statuses import CollectionStatus


def mark_loan_heard(*, loan_id: UUID, standing: PayoutStanding, at: datetime) -> bool:
    """The customer was told that the loan's payout stands so; it is news again when it moves on.

    One conditional statement: a loan that has moved since it was read stays news. False then.
    """
    heard = Loan.objects.filter(loans_standing(standing), pk=loan_id, announced_at__isnull=True)
    return heard.update(announced_at=at) == 1


def mark_collection_heard(*, collection_id: UUID, status: CollectionStatus, at: datetime) -> bool:
    """The customer was told how their request to pay ended. False when it has moved since, or was heard already."""
    heard = CollectionRequest.objects.filter(pk=collection_id, status=status, announced_at__isnull=True)
    return heard.update(announced_at=at) == 1
