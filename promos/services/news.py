"""Outcome first: a customer who dials again hears once what became of the money."""

from datetime import datetime
from uuid import UUID

from promos.models import Redemption
from promos.statuses import RedemptionStatus


def mark_news_heard(*, redemption_id: UUID, status: RedemptionStatus, at: datetime) -> bool:
    """The customer was told that the redemption stands at `status`; it is news again when it moves on.

    One conditional statement: a payout that has moved since it was read stays news. False then.
    """
    heard = Redemption.objects.filter(pk=redemption_id, status=status, announced_at__isnull=True)
    return heard.update(announced_at=at) == 1
