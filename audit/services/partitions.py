"""Partitions of the audit trail."""

from datetime import datetime

from audit.models import AuditEvent
from audit.partitions import ensure_monthly_partitions

MONTHS_AHEAD = 2


def create_partitions(*, at: datetime) -> list[str]:
    """Make this month's partition and the next two; return the names made, none when all are there."""
    return ensure_monthly_partitions(AuditEvent._meta.db_table, at=at, months_ahead=MONTHS_AHEAD)
