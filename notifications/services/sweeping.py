"""What a sweep looks for: work that lost tasks and dead processes left behind."""

from datetime import datetime

from notifications.services.reports import sweep_reports
from notifications.services.sending import send_due


def sweep_due(*, at: datetime) -> dict[str, int]:
    """Apply reports left over, then send messages that are due. Says how many of each."""
    return {"reports": sweep_reports(at=at), "messages": send_due(at=at)}
