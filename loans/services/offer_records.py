"""Storing the offers that wait in Redis: in bulk, off the hot path, each exactly once."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import DataError, OperationalError, transaction
from django_redis import get_redis_connection

from audit.partitions import ensure_monthly_partitions
from loans.models import Offer
from loans.offer_log import OfferRecord, offers_key

BATCH = 1_000
# Partitions are ready so many months before they are needed.
MONTHS_AHEAD = 2

# Removes what was stored, if the list still begins with it. Another worker may have removed it, or the list may have
# been cut while it was too long; then what was stored twice is one row, because its uid is unique.
_TRIM = """
if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] then redis.call('LTRIM', KEYS[1], ARGV[2], -1) end
return 1
"""

logger = structlog.get_logger(__name__)


def store_offers(*, at: datetime) -> int:
    """Store every offer that waits; says how many were read. Safe to run twice, and at once.

    A crash between storing and removing stores a batch again, which adds nothing. Raises redis.RedisError.
    """
    _prepare_partitions(at)
    client = get_redis_connection("sessions")
    total = 0
    while batch := client.lrange(offers_key(), 0, BATCH - 1):
        _store_batch([row for row in (_parsed(item) for item in batch) if row is not None])
        client.eval(_TRIM, 1, offers_key(), batch[0], len(batch))
        total += len(batch)
        if len(batch) < BATCH:
            break
    return total


def store_offer_now(record: OfferRecord) -> None:
    """Store one offer at once, because Redis cannot carry it. Raises django.db.Error."""
    with transaction.atomic():
        _as_offer(record.as_row()).save(force_insert=True)


def _prepare_partitions(at: datetime) -> None:
    table = Offer._meta.db_table
    try:
        ensure_monthly_partitions(table, at=at, months_ahead=MONTHS_AHEAD)
    except OperationalError as error:
        # Somebody holds the table; rows go to the default partition meanwhile.
        logger.warning("loan_offer_partitions_not_made", table=table, error=str(error))


def _store_batch(rows: list[Offer]) -> None:
    try:
        with transaction.atomic():
            Offer.objects.bulk_create(rows, ignore_conflicts=True)
    except DataError:
        # One row that no column takes must not hold up the others for ever.
        for row in rows:
            _store_alone(row)


def _store_alone(row: Offer) -> None:
    try:
        with transaction.atomic():
            Offer.objects.bulk_create([row], ignore_conflicts=True)
    except DataError as error:
        logger.error("loan_offer_refused", error=str(error))


def _parsed(item: bytes) -> Offer | None:
    try:
        return _as_offer(json.loads(item))
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        logger.error("loan_offer_unreadable", error=str(error))
        return None


def _as_offer(row: dict[str, Any]) -> Offer:
    return Offer(
        **{
            **row,
            "uid": UUID(row["uid"]),
            "at": datetime.fromisoformat(row["at"]),
            "customer_id": UUID(row["customer_id"]),
            "eligible_amount": Decimal(row["eligible_amount"]),
        }
    )
