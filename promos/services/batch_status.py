"""Where a batch stands: what follows from dates and codes, and what staff decide."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from configuration.selectors import current
from promos.configuration import PromoRules
from promos.locks import lock_batch
from promos.models import Batch
from promos.refusals import PromoRefusal
from promos.selectors import has_codes_left
from promos.statuses import BatchStatus


class BatchMoveRefused(PromoRefusal):
    """The batch is not in a status from which this is possible."""

    code = "BATCH_MOVE_REFUSED"


def block_batch(*, batch_id: UUID, reason: str, at: datetime) -> Batch:
    """Stop a batch: its codes are refused from now on. A payout already promised goes on.

    Raises BatchMoveRefused when it is blocked already, Batch.DoesNotExist.
    """
    with transaction.atomic():
        batch = lock_batch(batch_id)
        if batch.status == BatchStatus.BLOCKED:
            raise BatchMoveRefused("The batch is blocked already.")
        _move_and_record(batch, BatchStatus.BLOCKED, action="promo.batch.blocked", reason=reason, at=at)
    return batch


def unblock_batch(*, batch_id: UUID, reason: str, at: datetime) -> Batch:
    """Let a blocked batch go on, as what dates and codes make of it: active, expired or completed.

    Raises BatchMoveRefused when it is not blocked, Batch.DoesNotExist.
    """
    cutoff = at - current(PromoRules).grace
    with transaction.atomic():
        batch = lock_batch(batch_id)
        if batch.status != BatchStatus.BLOCKED:
            raise BatchMoveRefused("The batch is not blocked.")
        status = natural_status(batch, codes_left=has_codes_left(batch, cutoff=cutoff), cutoff=cutoff)
        _move_and_record(batch, status, action="promo.batch.unblocked", reason=reason, at=at)
    return batch


def expire_batch(*, batch_id: UUID, at: datetime) -> bool:
    """Mark an active batch expired when its date and the grace period are over. False when there was nothing to do."""
    return _settle(batch_id, BatchStatus.EXPIRED, at=at)


def complete_batch(*, batch_id: UUID, at: datetime) -> bool:
    """Mark an active batch completed when it has nothing left to redeem. False when there was nothing to do."""
    return _settle(batch_id, BatchStatus.COMPLETED, at=at)


def reopen_batch(*, batch: Batch, at: datetime) -> None:
    """A completed batch has codes to redeem again. The caller holds its lock; any other status stays."""
    if batch.status == BatchStatus.COMPLETED:
        _move_and_record(batch, BatchStatus.ACTIVE, action="promo.batch.reopened", reason="", at=at)


def natural_status(batch: Batch, *, codes_left: bool, cutoff: datetime) -> BatchStatus:
    """What a batch is when nobody blocks it. `cutoff` is now minus the grace period."""
    if batch.expiration_date <= cutoff:
        return BatchStatus.EXPIRED
    return BatchStatus.ACTIVE if codes_left or not batch.total_codes else BatchStatus.COMPLETED


def move_batch(batch: Batch, status: BatchStatus) -> None:
    """Change the status in memory along its table; to itself is no move. The one place that changes it."""
    if status != batch.status:
        assert status in BatchStatus.MOVES[batch.status], f"{batch.status} to {status}"
        batch.status = status


def _settle(batch_id: UUID, status: BatchStatus, *, at: datetime) -> bool:
    """Lock, look again, and move an active batch if `status` is what dates and codes make of it."""
    cutoff = at - current(PromoRules).grace
    with transaction.atomic():
        batch = lock_batch(batch_id)
        if batch.status != BatchStatus.ACTIVE:
            return False
        if natural_status(batch, codes_left=has_codes_left(batch, cutoff=cutoff), cutoff=cutoff) != status:
            return False
        _move_and_record(batch, status, action=f"promo.batch.{status.value}", reason="", at=at)
    return True


def _move_and_record(batch: Batch, status: BatchStatus, *, action: str, reason: str, at: datetime) -> None:
    before = batch.status
    move_batch(batch, status)
    batch.save(update_fields=["status", "updated_at"])
    record(action, target=batch, before={"status": before}, after={"status": batch.status}, reason=reason, at=at)
