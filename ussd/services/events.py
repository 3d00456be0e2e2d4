"""What Africa's Talking tells of an ended session: put where the bulk task finds it."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django_redis import get_redis_connection
from redis import RedisError

from ussd.turn_log import MOST_WAITING, clean, events_key, mask_input

_LARGEST_INTEGER = 2_147_483_647

logger = structlog.get_logger(__name__)


class InvalidEvent(ValueError):
    """Not a session event: it names no session."""

    code = "INVALID_REQUEST"


def note_session_event(*, fields: Mapping[str, str], at: datetime) -> bool:
    """Queue the event (africastalking.md section 3) for storing; False when Redis is away and it is lost.

    Nothing depends on it, so losing one is no harm. Fields that are missing, odd or too long become empty or
    shorter; codes are masked. Raises InvalidEvent without a sessionId.
    """
    if not fields.get("sessionId", "").strip():
        raise InvalidEvent("sessionId is missing.")
    record = {
        "uid": str(uuid.uuid4()),
        "at": at.isoformat(),
        "session_id": clean(fields["sessionId"], 128),
        "phone": clean(fields.get("phoneNumber", ""), 40),
        "service_code": clean(fields.get("serviceCode", ""), 40),
        "network_code": clean(fields.get("networkCode", ""), 20),
        "status": clean(fields.get("status", ""), 40),
        "duration_ms": _number(fields.get("durationInMillis", "")),
        "hops": _number(fields.get("hopsCount", "")),
        "cost": clean(fields.get("cost", ""), 40),
        "input": clean(mask_input(fields.get("input", "")), 180),
        "last_reply": clean(fields.get("lastAppResponse", ""), 200),
        "error_message": clean(fields.get("errorMessage", ""), 300),
    }
    return _push(record)


def _push(record: dict[str, Any]) -> bool:
    try:
        pipe = get_redis_connection("sessions").pipeline(transaction=False)
        pipe.rpush(events_key(), json.dumps(record, separators=(",", ":")))
        pipe.ltrim(events_key(), -MOST_WAITING, -1)
        pipe.execute()
    except (RedisError, OSError) as error:
        logger.warning("ussd_session_event_lost", error=str(error))
        return False
    return True


def _number(text: str) -> int | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return min(int(text), _LARGEST_INTEGER)
    return None
