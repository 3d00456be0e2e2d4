"""Every `select_for_update` of this app.

Order across tables: customer, then code, then budget slice when a code is redeemed; disbursement, then redemption with
its code, then budget slice when a payout is settled; run, then batch, when codes are made. NO KEY locks everywhere,
so that rows which only point here (foreign keys) never wait.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import CharField, Func, Q, Value

from accounts.models import User
from promos.models import Batch, BudgetSlice, GenerationRun, PromoCode, Redemption


def lock_customer(customer_id: Any, *, wait_seconds: int) -> User:
    """The customer's row; from here on this transaction waits at most so long for any lock.

    The limit rides along in the same statement: PostgreSQL computes the columns before it locks the row, so the limit
    holds for this lock too. Raises User.DoesNotExist.
    """
    limit = Func(
        Value("lock_timeout"), Value(f"{wait_seconds}s"), Value(True), function="set_config", output_field=CharField()
    )
    return (
        User.objects.select_for_update(no_key=True, of=("self",))
        .only("id", "phone", "language", "is_active")
        .annotate(lock_limit=limit)
        .get(pk=customer_id)
    )


def lock_code(code: str, **annotations: Any) -> PromoCode | None:
    """The code's row; its batch, the batch's account and who made them read beside it, unlocked. None: no such code."""
    return (
        PromoCode.objects.select_for_update(no_key=True, of=("self",))
        .select_related("batch__account", "batch__created_by", "run__created_by")
        .annotate(**annotations)
        .filter(code=code)
        .first()
    )


def lock_codes(code_ids: Sequence[int]) -> list[PromoCode]:
    """These codes in key order, their batches beside them, unlocked."""
    rows = PromoCode.objects.select_for_update(no_key=True, of=("self",)).select_related("batch")
    return list(rows.filter(pk__in=code_ids).order_by("pk"))


def lock_free_codes(which: Q, *, most: int) -> list[tuple[int, UUID]]:
    """Up to `most` such codes that nobody else holds, as (id, batch id); one being redeemed is left for later."""
    rows = PromoCode.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).filter(which)
    return list(rows.order_by("pk").values_list("pk", "batch_id")[:most])


def lock_batch(batch_id: UUID) -> Batch:
    """The batch's row. Raises Batch.DoesNotExist."""
    return Batch.objects.select_for_update(no_key=True, of=("self",)).get(pk=batch_id)


def lock_slices(batch_id: UUID) -> list[BudgetSlice]:
    """Every slice of the batch's budget, in order: waits for redemptions that are taking from one."""
    return list(
        BudgetSlice.objects.select_for_update(no_key=True, of=("self",)).filter(batch_id=batch_id).order_by("number")
    )


def lock_run(run_id: UUID) -> GenerationRun:
    """The run's row with its batch beside it, unlocked. Raises GenerationRun.DoesNotExist."""
    return GenerationRun.objects.select_for_update(no_key=True, of=("self",)).select_related("batch").get(pk=run_id)


def lock_redemption_of(disbursement_id: UUID) -> Redemption:
    """The redemption this payout belongs to, and its code; the customer beside them, unlocked.

    Raises Redemption.DoesNotExist.
    """
    return (
        Redemption.objects.select_for_update(no_key=True, of=("self", "promo_code"))
        .select_related("promo_code", "customer", "batch")
        .get(disbursement_id=disbursement_id)
    )
