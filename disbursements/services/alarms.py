"""What a person must look at. It is logged and audited, and stays on the payout until it is dealt with."""

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from disbursements.locks import lock_disbursement
from disbursements.models import Disbursement
from disbursements.services.transitions import update
from disbursements.statuses import Alarm, DisbursementStatus

logger = structlog.get_logger(__name__)

MONEY_MAY_HAVE_MOVED = "Money may have moved. First settle on the provider's word, or state that it was not paid."

_MAY_STILL_PAY = (DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING, DisbursementStatus.FAILED)


class AlarmNotClearable(ValueError):
    """Money may have moved: the provider must be asked before the payout goes on."""

    code = "ALARM_NOT_CLEARABLE"


def raise_alarm(disbursement: Disbursement, alarm: Alarm, *, detail: str, at: datetime) -> None:
    """Mark a locked payout, in the caller's transaction. The same alarm again, or one that would hide a graver one, is
    only logged.
    """
    logger.error("payout_alarm", disbursement=str(disbursement.pk), alarm=alarm.value, detail=detail)
    if disbursement.alarm == alarm or _hides(disbursement.alarm, alarm):
        return
    before = {"alarm": disbursement.alarm}
    update(disbursement, alarm=alarm)
    record(
        "disbursement.alarm_raised",
        target=disbursement,
        before=before,
        after={"alarm": alarm.value, "detail": detail},
        at=at,
    )


def withdraw_alarm(disbursement: Disbursement, *, reason: str, at: datetime) -> None:
    """The provider has given the final word that was missing about a locked payout's reference."""
    if disbursement.alarm in Alarm.ANSWERED_BY_WORD:
        take_alarm_off(disbursement, action="disbursement.alarm_cleared", reason=reason, at=at)


def take_alarm_off(disbursement: Disbursement, *, action: str, reason: str, at: datetime) -> None:
    """No alarm on a locked payout any more; one audit event that says why."""
    before = {"alarm": disbursement.alarm}
    update(disbursement, alarm=Alarm.NONE)
    record(action, target=disbursement, before=before, after={"alarm": ""}, reason=reason, at=at)


def clear_alarm(*, disbursement_id: UUID, cleared_by: User, reason: str, at: datetime) -> Disbursement:
    """A person has looked and says what came of it. Nothing happens when there is no alarm.

    Raises AlarmNotClearable when the payout could be paid again and the provider has to be asked first.
    """
    with acting(user_id=cleared_by.pk, label=cleared_by.get_username()), transaction.atomic(durable=True):
        disbursement = lock_disbursement(disbursement_id)
        if disbursement.is_blocked and disbursement.status in _MAY_STILL_PAY:
            raise AlarmNotClearable(MONEY_MAY_HAVE_MOVED)
        if disbursement.alarm:
            take_alarm_off(disbursement, action="disbursement.alarm_cleared", reason=reason, at=at)
    return disbursement


def _hides(standing: str, other: Alarm) -> bool:
    """What only a person can answer stays; what stops the payout gives way only to what stops it too."""
    if standing in Alarm.BLOCKING - Alarm.ANSWERED_BY_WORD:
        return True
    return standing in Alarm.BLOCKING and other not in Alarm.BLOCKING
