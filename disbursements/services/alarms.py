"""What a person must look at. It is logged, audited and stays on the payout until a person clears it."""

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
from disbursements.statuses import Alarm

logger = structlog.get_logger(__name__)


def raise_alarm(disbursement: Disbursement, alarm: Alarm, *, detail: str, at: datetime) -> None:
    """Mark a locked payout, in the caller's transaction. The same alarm again is only logged."""
    logger.error("payout_alarm", disbursement=str(disbursement.pk), alarm=alarm.value, detail=detail)
    if disbursement.alarm == alarm:
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


def clear_alarm(*, disbursement_id: UUID, cleared_by: User, reason: str, at: datetime) -> Disbursement:
    """A person has looked and says what came of it. Nothing happens when there is no alarm."""
    with acting(user_id=cleared_by.pk, label=cleared_by.get_username()), transaction.atomic(durable=True):
        disbursement = lock_disbursement(disbursement_id)
        if disbursement.alarm:
            before = {"alarm": disbursement.alarm}
            update(disbursement, alarm=Alarm.NONE)
            record(
                "disbursement.alarm_cleared",
                target=disbursement,
                before=before,
                after={"alarm": ""},
                reason=reason,
                at=at,
            )
    return disbursement
