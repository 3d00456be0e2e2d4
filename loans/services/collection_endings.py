"""How a request to pay ends without money, and what calls a person. All of it on a locked row, in its transaction."""

from datetime import datetime
from typing import Any

import structlog

from accounts.models import User
from audit.services import record
from disbursements.providers.base import Outcome
from disbursements.statuses import ErrorClass
from ledger.money import format_amount
from loans.collecting.meanings import NOT_APPROVED, SHORT_OF_MONEY
from loans.models import CollectionRequest
from loans.statuses import CollectionAlarm, CollectionStatus
from notifications.services import send_sms

logger = structlog.get_logger(__name__)

# Codes of ours, where the provider gave none.
NOT_SENT_IN_TIME = "NOT_SENT_IN_TIME"
NOT_TAKEN_IN_TIME = "NOT_TAKEN_IN_TIME"
CLOSED_BY_STAFF = "CLOSED_BY_STAFF"


def save(collection: CollectionRequest, **changes: Any) -> None:
    """Save what changes. The database checks the move of a status."""
    for name, value in changes.items():
        setattr(collection, name, value)
    collection.save(update_fields=list(changes))


def error_fields(outcome: Outcome | None = None) -> dict[str, str]:
    """What the provider said went wrong, for the row; empty without an outcome."""
    return {"error_code": outcome.code, "error_message": outcome.message} if outcome else _words("", "")


def fail(
    collection: CollectionRequest, *, code: str, message: str = "", watch_from: datetime | None = None, at: datetime
) -> None:
    """Nothing was paid, as far as is known; the customer is told and may ask anew. With `watch_from` the provider goes
    on being asked from then, because it gave no final word.
    """
    before = collection.status
    save(
        collection,
        status=CollectionStatus.FAILED,
        finished_at=at,
        next_action_at=watch_from,
        claimed_until=None,
        announced_at=None,
        **_words(code, message),
    )
    record(
        "collection.failed",
        target=collection,
        before={"status": before},
        after={"status": collection.status, "error_code": code, "loan": str(collection.loan_id)},
        at=at,
    )
    _tell_failed(collection, at=at)


def close(collection: CollectionRequest, *, closed_by: User, reason: str, at: datetime) -> None:
    """A person ends it, or what its alarm was about. The customer hears nothing: staff have spoken with them."""
    before = {"status": collection.status, "alarm": collection.alarm}
    changes: dict[str, Any] = {"alarm": CollectionAlarm.NONE}
    if collection.status in CollectionStatus.OPEN:
        changes |= {
            "status": CollectionStatus.FAILED,
            "finished_at": at,
            "next_action_at": None,
            "claimed_until": None,
            "announced_at": at,
            **_words(CLOSED_BY_STAFF, reason),
        }
    save(collection, **changes)
    after = {"status": collection.status, "alarm": "", "by": closed_by.get_username()}
    record("collection.closed", target=collection, before=before, after=after, reason=reason, at=at)


def raise_alarm(collection: CollectionRequest, alarm: CollectionAlarm, *, detail: str, at: datetime) -> None:
    """A person must look. The same alarm again, or one that would hide a graver one, is only logged."""
    logger.error("collection_alarm", collection=str(collection.pk), alarm=alarm.value, detail=detail)
    is_graver = collection.alarm and collection.alarm not in CollectionAlarm.ANSWERED_BY_WORD
    if collection.alarm == alarm or (is_graver and alarm in CollectionAlarm.ANSWERED_BY_WORD):
        return
    before = {"alarm": collection.alarm}
    save(collection, alarm=alarm)
    record(
        "collection.alarm_raised",
        target=collection,
        before=before,
        after={"alarm": alarm.value, "detail": detail},
        at=at,
    )


def withdraw_alarm(collection: CollectionRequest, *, reason: str, at: datetime) -> None:
    """The provider has given the word that was missing."""
    if collection.alarm not in CollectionAlarm.ANSWERED_BY_WORD:
        return
    before = {"alarm": collection.alarm}
    save(collection, alarm=CollectionAlarm.NONE)
    record("collection.alarm_cleared", target=collection, before=before, after={"alarm": ""}, reason=reason, at=at)


def call_for_set_up(collection: CollectionRequest, outcome: Outcome, *, at: datetime) -> None:
    """Our set-up is refused: the next request would fare no better until a person has looked."""
    if outcome.error_class == ErrorClass.CONFIGURATION:
        detail = f"{outcome.code} {outcome.message}".strip()
        raise_alarm(collection, CollectionAlarm.CONFIGURATION, detail=detail, at=at)


def _words(code: str, message: str) -> dict[str, str]:
    return {"error_code": code, "error_message": message}


def _tell_failed(collection: CollectionRequest, *, at: datetime) -> None:
    if collection.error_code in NOT_APPROVED:
        template = "collection.not_approved"
    elif collection.error_code in SHORT_OF_MONEY:
        template = "collection.short_of_money"
    else:
        template = "collection.failed"
    send_sms(
        to=collection.phone,
        template=template,
        language=collection.customer.language or "en",
        context={
            "amount": format_amount(collection.amount, collection.currency),
            "number": collection.loan.number,
        },
        key=f"collection:{collection.pk}:failed",
        at=at,
    )
