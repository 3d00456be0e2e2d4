"""Sending what is queued: claim, commit, speak to the provider outside any transaction, record what came of it."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from configuration.selectors import current
from notifications.africastalking.answers import Kind, SendResult
from notifications.africastalking.client import send
from notifications.configuration import NotificationSettings
from notifications.locks import lock_provider_message
from notifications.models import SmsMessage
from notifications.services.reports import apply_early_reports
from notifications.services.schedule import is_too_old, lease_end, next_try, uses_up_a_try
from notifications.statuses import MessageStatus

# A sweep leaves the rest to the next one, which beat starts every ten seconds.
SWEEP_SECONDS = 8.0

logger = structlog.get_logger(__name__)

# One statement: a row that another worker holds or has just claimed is passed over.
_CLAIM = """
    UPDATE notifications_sms SET status = %(sending)s, tries = tries + 1, next_action_at = %(lease_end)s
    WHERE id = (
        SELECT id FROM notifications_sms
        WHERE next_action_at <= %(at)s AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
        ORDER BY next_action_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, "to", body, tries, queued_at
"""


@dataclass(frozen=True)
class Claim:
    """A message that is ours until the lease ends. `tries` is the fence: a later claim has a higher one."""

    id: UUID
    to: str
    body: str
    tries: int
    queued_at: datetime


def send_message(*, message_id: UUID | str, at: datetime) -> str:
    """Send one message if it is due and nobody else has it. Says what became of it, for the log.

    Safe to run twice and side by side: only one claims the row.
    """
    settings = current(NotificationSettings)
    claim = claim_message(at=at, settings=settings, message_id=message_id) if settings.enabled else None
    if claim is None:
        return "nothing to do"
    return _send_claimed(claim, at=at, settings=settings).kind.value


def send_due(*, at: datetime) -> int:
    """Send what is due and was left over by lost tasks and dead workers. Returns how many were looked at.

    Stops early when an answer would be the same for every message: provider away, key refused, no credit.
    """
    started = time.monotonic()
    settings = current(NotificationSettings)
    looked_at = 0
    while settings.enabled and (elapsed := time.monotonic() - started) < SWEEP_SECONDS:
        now = at + timedelta(seconds=elapsed)
        claim = claim_message(at=now, settings=settings)
        if claim is None:
            break
        looked_at += 1
        result = _send_claimed(claim, at=now, settings=settings)
        if result.kind is Kind.OPERATOR or result.unknown or result.out_of_reach:
            break
    return looked_at


def claim_message(
    *, at: datetime, settings: NotificationSettings, message_id: UUID | str | None = None
) -> Claim | None:
    """Take a due message, that one or the one due longest, and commit. None: there is none, or others have it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "sending": MessageStatus.SENDING,
                "lease_end": lease_end(at=at, settings=settings),
                "at": at,
                "id": str(message_id) if message_id else None,
            },
        )
        row = cursor.fetchone()
    return Claim(*row) if row else None


def _send_claimed(claim: Claim, *, at: datetime, settings: NotificationSettings) -> SendResult:
    started = time.monotonic()
    if is_too_old(queued_at=claim.queued_at, at=at, settings=settings):
        result = SendResult(Kind.PERMANENT, "TOO_OLD", f"Not taken within {settings.give_up_after_hours} h")
    else:
        result = send(to=claim.to, body=claim.body, settings=settings)
    # The call took its time; what follows from it counts from its end.
    ended_at = at + timedelta(seconds=time.monotonic() - started)
    record_result(claim=claim, result=result, at=ended_at, settings=settings)
    return result


def record_result(*, claim: Claim, result: SendResult, at: datetime, settings: NotificationSettings) -> bool:
    """Write what came of the try; False when the lease had ended and another worker has the message by now."""
    if result.kind is Kind.ACCEPTED:
        recorded = _record_accepted(claim, result, at=at)
    else:
        recorded = _record_not_taken(claim, result, at=at, settings=settings)
    if not recorded:
        logger.warning("sms_lease_lost", message_id=str(claim.id), result=result.kind.value)
    return recorded


def _record_accepted(claim: Claim, result: SendResult, *, at: datetime) -> bool:
    with transaction.atomic():
        if result.provider_message_id:
            lock_provider_message(result.provider_message_id)
        recorded = _ours(claim).update(
            status=MessageStatus.SENT,
            provider_message_id=result.provider_message_id,
            sent_at=at,
            next_action_at=None,
            error_code="",
            error_message="",
        )
        if recorded and result.provider_message_id:
            apply_early_reports(provider_message_id=result.provider_message_id)
    return recorded == 1


def _record_not_taken(claim: Claim, result: SendResult, *, at: datetime, settings: NotificationSettings) -> bool:
    again_at = next_try(result=result, tries=claim.tries, at=at, settings=settings)
    if result.kind is Kind.OPERATOR:
        logger.error("sms_needs_operator", code=result.code, message=result.message)
    recorded = _ours(claim).update(
        status=MessageStatus.QUEUED if again_at else MessageStatus.FAILED,
        tries=claim.tries if uses_up_a_try(result) else claim.tries - 1,
        # After the last try nobody can say whether the customer has it.
        error_code="UNKNOWN" if result.unknown and again_at is None else result.code,
        error_message=result.message,
        next_action_at=again_at,
    )
    return recorded == 1


def _ours(claim: Claim) -> QuerySet[SmsMessage]:
    return SmsMessage.objects.filter(pk=claim.id, status=MessageStatus.SENDING, tries=claim.tries)
