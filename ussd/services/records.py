"""Storing what waits in Redis: turns and session events, in bulk, off the hot path, each exactly once."""

from datetime import datetime
from typing import Any

from django.db import OperationalError

from audit.waiting_rows import store_waiting_rows
from ussd.models import SessionEvent, TurnRecord
from ussd.turn_log import events_key, turns_key
from ussd.watchdog import database_work_ends

# Seconds below which a turn is not written during its own request.
LEAST_FOR_A_ROW = 1.0


def store_waiting(*, at: datetime) -> int:
    """Store every turn and event that waits; says how many were read. Safe to run twice, and at once.

    Raises redis.RedisError.
    """
    turns = store_waiting_rows(turns_key(), model=TurnRecord, read=_turn, at=at)
    return turns + store_waiting_rows(events_key(), model=SessionEvent, read=_event, at=at)


def store_turn_now(record: dict[str, Any], *, within: float) -> None:
    """Store one turn at once, because Redis cannot carry it. Raises django.db.Error."""
    if within < LEAST_FOR_A_ROW:
        raise OperationalError("no time left for the log")
    with database_work_ends(within=within):
        _turn(record).save(force_insert=True)


def _turn(record: dict[str, Any]) -> TurnRecord:
    return TurnRecord(**{**record, "at": datetime.fromisoformat(record["at"])})


def _event(record: dict[str, Any]) -> SessionEvent:
    return SessionEvent(**{**record, "at": datetime.fromisoformat(record["at"])})
