"""Unfinished work stays visible (house style, rule 19)."""

from datetime import datetime

import structlog

from disbursements.selectors import stuck_disbursements

logger = structlog.get_logger(__name__)

# One run names no more than this; the count is always whole.
NAMED_AT_ONCE = 100


def report_stuck_disbursements(*, at: datetime) -> int:
    """One warning in the log per payout too long in a passing state; how many there are."""
    stuck = stuck_disbursements(at=at)
    for disbursement in stuck[:NAMED_AT_ONCE]:
        logger.warning(
            "payout_stuck",
            disbursement=str(disbursement.pk),
            key=disbursement.key,
            status=disbursement.status,
            wait_reason=disbursement.wait_reason,
            alarm=disbursement.alarm,
            open_minutes=int((at - disbursement.open_since).total_seconds() // 60),
        )
    return stuck.count()
