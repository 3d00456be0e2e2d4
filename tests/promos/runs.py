"""Ordering codes and looking at what was made."""

from datetime import datetime

from promos.models import Batch, GenerationRun, PromoCode
from promos.services.generation import order_codes


def order(batch: Batch, count: int, at: datetime) -> GenerationRun:
    return order_codes(batch_id=batch.pk, count=count, nudge=False, at=at)


def assert_whole(run: GenerationRun, count: int) -> None:
    run.refresh_from_db()
    run.batch.refresh_from_db()
    assert (run.status, run.generated, run.lease_until) == ("completed", count, None)
    stored = PromoCode.objects.filter(run=run)
    assert stored.count() == stored.values("code").distinct().count() == count
