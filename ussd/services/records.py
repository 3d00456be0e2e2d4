"""Storing what waits in Redis: turns and session events, in bulk, off the hot path, each exactly once."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.db import DataError, OperationalError, models, transaction
from django_redis import get_redis_connection

from audit.partitions import ensure_monthly_partitions
from ussd.models import SessionEvent, TurnRecord
from ussd.turn_log import events_key, turns_key
from ussd.watchdog import database_work_ends

BATCH = 1_000
# Partitions are ready so many months before they are needed.
MONTHS_AHEAD = 2
# Seconds below which a turn is not written during its own request.
LEAST_FOR_A_ROW = 1.0

# Removes what was stored, if the list still begins with it. Another worker may have removed it, or the list may have
# been cut while it was too long; then what was stored twice is one row, because its uid is unique.
_TRIM = """
if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] then redis.call('LTRIM', KEYS[1], ARGV[2], -1) end
return 1
"""

logger = structlog.get_logger(__name__)


def store_waiting(*, at: datetime) -> int:
    """Store every turn and event that waits; says how many were read. Safe to run twice, and at once.

    A crash between storing and removing stores a batch again, which adds nothing. Raises redis.RedisError.
    """
    _prepare_partitions(at)
    return _store_list(turns_key(), TurnRecord, _turn) + _store_list(events_key(), SessionEvent, _event)


def store_turn_now(record: dict[str, Any], *, within: float) -> None:
    """Store one turn at once, because Redis cannot carry it. Raises django.db.Error."""
    if within < LEAST_FOR_A_ROW:
        raise OperationalError("no time left for the log")
    with database_work_ends(within=within):
        _turn(record).save(force_insert=True)


def _prepare_partitions(at: datetime) -> None:
    for model in (TurnRecord, SessionEvent):
        try:
            ensure_monthly_partitions(model._meta.db_table, at=at, months_ahead=MONTHS_AHEAD)
        except OperationalError as error:
            # Somebody holds the table; rows go to the default partition meanwhile.
            logger.warning("ussd_partitions_not_made", table=model._meta.db_table, error=str(error))


def _store_list(key: str, model: type[models.Model], read: Callable[[dict[str, Any]], models.Model]) -> int:
    client = get_redis_connection("sessions")
    total = 0
    while batch := client.lrange(key, 0, BATCH - 1):
        _store_batch(model, [row for row in (_parsed(item, read) for item in batch) if row is not None])
        client.eval(_TRIM, 1, key, batch[0], len(batch))
        total += len(batch)
        if len(batch) < BATCH:
            break
    return total


def _store_batch(model: type[models.Model], rows: list[models.Model]) -> None:
    try:
        with transaction.atomic():
            model._default_manager.bulk_create(rows, ignore_conflicts=True)
    except DataError:
        # One row that no column takes must not hold up the others for ever.
        for row in rows:
            _store_alone(model, row)


def _store_alone(model: type[models.Model], row: models.Model) -> None:
    try:
        with transaction.atomic():
            model._default_manager.bulk_create([row], ignore_conflicts=True)
    except DataError as error:
        logger.error("ussd_record_refused", table=model._meta.db_table, error=str(error))


def _parsed(item: bytes, read: Callable[[dict[str, Any]], models.Model]) -> models.Model | None:
    try:
        return read(json.loads(item))
    except (ValueError, TypeError, KeyError) as error:
        logger.error("ussd_record_unreadable", error=str(error))
        return None


def _turn(record: dict[str, Any]) -> TurnRecord:
    return TurnRecord(**{**record, "at": datetime.fromisoformat(record["at"])})


def _event(record: dict[str, Any]) -> SessionEvent:
    return SessionEvent(**{**record, "at": datetime.fromisoformat(record["at"])})
