"""A batch's budget, kept in slices: never exceeded, and redemptions of different codes seldom wait for each other.

A redemption takes its amount from any slice that holds enough and that nobody else is taking from. Only when there is
none does it start again, wait for all slices, and spread what is left anew. What was promised is budget minus slices.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from promos.locks import lock_slices
from promos.models import Batch, BudgetSlice
from promos.refusals import PromoRefusal

# More than the redemptions of one batch that commit at the same moment on one database.
SLICES = 16

_TAKE = """UPDATE promos_budget_slice SET remaining = remaining - %(amount)s
     WHERE id = (SELECT id FROM promos_budget_slice
                  WHERE batch_id = %(batch)s AND remaining >= %(amount)s
                  ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
"""
_GIVE_BACK = """UPDATE promos_budget_slice SET remaining = remaining + %(amount)s
     WHERE id = (SELECT id FROM promos_budget_slice
                  WHERE batch_id = %(batch)s ORDER BY random() LIMIT 1 FOR NO KEY UPDATE {skip_locked})
"""


class SlicesBusy(Exception):
    """The budget may suffice, but no free slice holds enough."""


class BudgetTooSmall(PromoRefusal):
    """More than the new budget has already been promised to customers."""

    code = "BUDGET_TOO_SMALL"


def open_budget(*, batch: Batch) -> None:
    """Cut the budget of a new batch into slices; nothing to do for a batch without one."""
    if batch.budget is not None:
        parts = split_budget(batch.budget, unit=batch.amount_per_code)
        BudgetSlice.objects.bulk_create(
            BudgetSlice(batch=batch, number=number, remaining=part) for number, part in enumerate(parts)
        )


def take_from_budget(*, batch_id: UUID, amount: Decimal) -> bool:
    """Take `amount` for one redemption, in the caller's transaction. False when the budget has not so much left.

    One statement; a second when no slice was free with so much in it. Raises SlicesBusy when only all slices together
    can tell: the transaction must then be given up, because a row that PostgreSQL locked and found changed stays
    locked, and waiting for others while holding it would be a ring. Start again with `take_from_whole_budget`.
    """
    values: dict[str, Any] = {"batch": batch_id, "amount": amount}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        if cursor.rowcount == 1:
            return True
    # What others are taking and have not committed still counts as left here, so too little is too little.
    left = BudgetSlice.objects.filter(batch_id=batch_id).aggregate(left=Sum("remaining"))["left"] or Decimal(0)
    if left >= amount:
        raise SlicesBusy
    return False


def take_from_whole_budget(*, batch_id: UUID, amount: Decimal) -> bool:
    """As `take_from_budget`, waiting for everybody who is taking; what is left is spread over the slices anew."""
    slices = lock_slices(batch_id)
    left = sum((part.remaining for part in slices), Decimal(0))
    if left < amount:
        return False
    _spread(slices, left - amount, unit=amount)
    return True


def give_back_to_budget(*, batch_id: UUID, amount: Decimal) -> None:
    """Return what a cancelled redemption took; nothing to do for a batch without a budget."""
    values: dict[str, Any] = {"batch": batch_id, "amount": amount}
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK.format(skip_locked="SKIP LOCKED"), values)
        if cursor.rowcount == 0:
            # Every slice is busy: wait for one.
            cursor.execute(_GIVE_BACK.format(skip_locked=""), values)


def resize_budget(*, batch: Batch, budget: Decimal) -> None:
    """Give a batch that has a budget another one; the caller holds the batch's lock and stores `budget` itself.

    Raises BudgetTooSmall.
    """
    assert batch.budget is not None
    slices = lock_slices(batch.pk)
    promised = batch.budget - sum((part.remaining for part in slices), Decimal(0))
    if budget < promised:
        raise BudgetTooSmall(
            f"{promised} {batch.currency} of the budget is already promised to customers; it cannot be less."
        )
    _spread(slices, budget - promised, unit=batch.amount_per_code)


def split_budget(total: Decimal, *, unit: Decimal, parts: int = SLICES) -> list[Decimal]:
    """`total` in `parts` slices of whole units, as even as they go; a rest below one unit lies in the first."""
    units = int(total // unit)
    shares = [units // parts + (1 if number < units % parts else 0) for number in range(parts)]
    slices = [share * unit for share in shares]
    slices[0] += total - units * unit
    return slices


def _spread(slices: list[BudgetSlice], total: Decimal, *, unit: Decimal) -> None:
    for part, remaining in zip(slices, split_budget(total, unit=unit, parts=len(slices)), strict=True):
        part.remaining = remaining
    BudgetSlice.objects.bulk_update(slices, ["remaining"])
