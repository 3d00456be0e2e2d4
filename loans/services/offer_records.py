"""Storing the offers that wait in Redis: in bulk, off the hot path, each exactly once."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.waiting_rows import store_waiting_rows
from loans.models import Offer
from loans.offer_log import OfferRecord, offers_key


def store_offers(*, at: datetime) -> int:
    """Store every offer that waits; says how many were read. Safe to run twice, and at once.

    Raises redis.RedisError.
    """
    return store_waiting_rows(offers_key(), model=Offer, read=_as_offer, at=at)


def store_offer_now(record: OfferRecord) -> None:
    """Store one offer at once, because Redis cannot carry it. Raises django.db.Error."""
    with transaction.atomic():
        _as_offer(record.as_row()).save(force_insert=True)


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
