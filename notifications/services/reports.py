"""Delivery reports: stored first, then believed as far as they fit what we know."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from notifications.africastalking.reports import STATUSES, UNREACHED_STATUSES, Progress, ReportFields
from notifications.locks import lock_provider_message, lock_reported_message
from notifications.models import DeliveryReport, SmsMessage
from notifications.statuses import MessageStatus, ReportResult

# A report that was stored but not applied, because the process ended in between, is taken up after so long.
UNAPPLIED_AFTER = timedelta(seconds=30)
_SWEEP_LIMIT = 200

logger = structlog.get_logger(__name__)


def receive_report(*, fields: ReportFields, at: datetime) -> DeliveryReport:
    """Store the report, commit, then apply it. It stays stored whatever applying it does.

    Repeats, reports out of order and reports about unknown messages change nothing and raise nothing.
    """
    report = DeliveryReport.objects.create(
        provider_message_id=fields.provider_message_id,
        status=fields.status,
        failure_reason=fields.failure_reason,
        payload=fields.payload,
        received_at=at,
    )
    apply_report(report=report)
    return report


def apply_report(*, report: DeliveryReport) -> None:
    """Move the message the report is about, and write into the report what it did."""
    with transaction.atomic():
        lock_provider_message(report.provider_message_id)
        _apply(report)


def apply_early_reports(*, provider_message_id: str) -> None:
    """Apply the reports that came before we knew this id. The caller holds `lock_provider_message`."""
    early = DeliveryReport.objects.filter(provider_message_id=provider_message_id, result=ReportResult.UNKNOWN_MESSAGE)
    for report in early.order_by("pk"):
        _apply(report)


def sweep_reports(*, at: datetime) -> int:
    """Apply reports that were stored by a process that then ended. Returns how many."""
    left = DeliveryReport.objects.filter(result=ReportResult.RECEIVED, received_at__lte=at - UNAPPLIED_AFTER)
    reports = list(left.order_by("received_at", "pk")[:_SWEEP_LIMIT])
    for report in reports:
        apply_report(report=report)
    return len(reports)


def _apply(report: DeliveryReport) -> None:
    message = lock_reported_message(report.provider_message_id)
    report.result = _move(message, report) if message else ReportResult.UNKNOWN_MESSAGE
    report.save(update_fields=["result"])
    if report.result == ReportResult.CONTRADICTS:
        logger.error("delivery_report_contradicts", report=report.pk, status=report.status)


def _move(message: SmsMessage, report: DeliveryReport) -> ReportResult:
    progress = STATUSES.get(report.status)
    if progress is None:
        return ReportResult.UNKNOWN_STATUS
    if progress is Progress.ON_ITS_WAY:
        return ReportResult.IN_PROGRESS
    if progress is Progress.UNREACHED and message.status != MessageStatus.SENT:
        # Not final, so it can be no news about a message whose end is known.
        return ReportResult.IN_PROGRESS
    delivered = progress is Progress.DELIVERED
    status = MessageStatus.DELIVERED if delivered else MessageStatus.FAILED
    unreached = message.error_code in UNREACHED_STATUSES
    if message.status == status and not unreached:
        return ReportResult.REPEATED
    if message.status != MessageStatus.SENT and not unreached:
        return ReportResult.CONTRADICTS
    message.status = status
    message.error_code = "" if delivered else _error_code(report, progress)
    message.error_message = "" if delivered else f"Reported by the network: {report.status}"
    message.delivered_at = report.received_at if delivered else None
    message.save(update_fields=["status", "error_code", "error_message", "delivered_at"])
    return ReportResult.APPLIED


def _error_code(report: DeliveryReport, progress: Progress) -> str:
    # The status of an "unreached" report is kept as it is: it marks the message as open to a later report.
    return report.status if progress is Progress.UNREACHED else report.failure_reason or report.status
