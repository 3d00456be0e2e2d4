"""Rows of tables that only grow, on their way through a list in Redis: stored in bulk, off the hot path, each once.

Turns, session events and offers are written so. Each row has a `uid` of its own, unique with `at`.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.db import DataError, OperationalError, models, transaction
from django_redis import get_redis_connection

from audit.partitions import ensure_monthly_partitions

BATCH = 1_000
# Partitions are ready so many months before they are needed.
MONTHS_AHEAD = 2

# Removes what was stored, if the list still begins with it. Another worker may have removed it, or the list may have
# been cut while it was too long; then what was stored twice is one row, because its uid is unique.
_TRIM = """
if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] then redis.call('LTRIM', KEYS[1], ARGV[2], -1) end
return 1
"""

Read = Callable[[dict[str, Any]], models.Model]
logger = structlog.get_logger(__name__)


def store_waiting_rows(key: str, *, model: type[models.Model], read: Read, at: datetime) -> int:
    """Store every row that waits in the list `key`; says how many were read. Safe to run twice, and at once.

    `read` makes a row of what JSON gave. What it cannot read, or no column takes, is logged and left out. A crash
    between storing and removing stores a batch again, which adds nothing. Raises redis.RedisError.
    """
    _prepare_partitions(model, at)
    client = get_redis_connection("sessions")
    total = 0
    while batch := client.lrange(key, 0, BATCH - 1):
        _store_batch(model, [row for row in (_parsed(item, read, key) for item in batch) if row is not None])
        client.eval(_TRIM, 1, key, batch[0], len(batch))
        total += len(batch)
        if len(batch) < BATCH:
            break
    return total


def _prepare_partitions(model: type[models.Model], at: datetime) -> None:
    table = model._meta.db_table
    try:
        ensure_monthly_partitions(table, at=at, months_ahead=MONTHS_AHEAD)
    except OperationalError as error:
        # Somebody holds the table; rows go to the default partition meanwhile.
        logger.warning("partitions_not_made", table=table, error=str(error))


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
        logger.error("waiting_row_refused", table=model._meta.db_table, error=str(error))


def _parsed(item: bytes, read: Read, key: str) -> models.Model | None:
    try:
        return read(json.loads(item))
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        logger.error("waiting_row_unreadable", list=key, error=str(error))
        return None
