"""Creating batches, changing their terms, giving them to a staff member (spec 5, section 2.2)."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import User
from audit.services import record
from configuration.selectors import current
from disbursements.accounts import paying_accounts
from ledger.money import quantize
from ledger.services import open_account, open_in_flight_account
from ledger.statuses import AccountKind
from promos.configuration import PromoRules
from promos.locks import lock_batch
from promos.models import Batch, GenerationRun
from promos.refusals import PromoRefusal
from promos.services.batch_status import move_batch, natural_status
from promos.services.budgets import open_budget, resize_budget
from promos.statuses import BatchStatus
from promos.tasks import expire_due
from promos.terms import BatchTerms, InvalidTerms, clean_name, find_errors


class BatchNameTaken(PromoRefusal):
    """Another batch has this name, in whatever case."""

    code = "BATCH_NAME_TAKEN"


class BudgetFixed(PromoRefusal):
    """A budget cannot be put on, or taken off, a batch that has codes: redemptions under way would not know."""

    code = "BUDGET_FIXED"


class NotAStaffMember(PromoRefusal):
    """Batches are given to active staff only."""

    code = "NOT_A_STAFF_MEMBER"


def create_batch(
    *, terms: BatchTerms, assigned_user: User | None = None, created_by: User | None = None, at: datetime
) -> Batch:
    """A new, empty batch with its ledger account and, if it has a budget, the slices of it.

    Raises InvalidTerms, BatchNameTaken, NotAStaffMember.
    """
    _require_valid(terms, before=None, at=at)
    _require_staff(assigned_user)
    batch = Batch(
        **asdict(terms) | {"name": clean_name(terms.name)},
        assigned_user=assigned_user,
        created_by=created_by,
        created_at=at,
    )
    with transaction.atomic():
        batch.account = open_account(
            code=f"promo:{batch.pk}",
            kind=AccountKind.EXPENSE,
            currency=batch.currency,
            name=f"Promo batch {batch.name}",
        )
        # Made here once, so that the first customers to redeem do not wait for each other making it.
        open_in_flight_account(currency=batch.currency)
        _save_with_unique_name(batch, force_insert=True)
        open_budget(batch=batch)
        record("promo.batch.created", target=batch, after=_facts(batch), at=at)
    return batch


def update_batch(*, batch_id: UUID, terms: BatchTerms, at: datetime) -> Batch:
    """Change the terms. The amount is for codes made later; a later date revives codes that only time had expired.

    Raises InvalidTerms, BatchNameTaken, BudgetFixed, BudgetTooSmall, Batch.DoesNotExist.
    """
    with transaction.atomic():
        batch = lock_batch(batch_id)
        _require_valid(terms, before=terms_of(batch), at=at)
        before = _facts(batch)
        if terms.budget != batch.budget:
            _change_budget(batch, terms)
        for field, value in (asdict(terms) | {"name": clean_name(terms.name)}).items():
            setattr(batch, field, value)
        if batch.status == BatchStatus.EXPIRED:
            # Its expired codes come back a moment later, in chunks: they count as left.
            move_batch(batch, natural_status(batch, codes_left=True, cutoff=at - current(PromoRules).grace))
        after = _facts(batch)
        changed = [name for name in after if before[name] != after[name]]
        if changed:
            _save_with_unique_name(batch)
            record(
                "promo.batch.updated",
                target=batch,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
                at=at,
            )
            transaction.on_commit(expire_due.delay, robust=True)
    return batch


def assign_batch(*, batch_id: UUID, assigned_user: User | None, at: datetime) -> Batch:
    """Make a staff member responsible for the batch, or nobody. Raises NotAStaffMember, Batch.DoesNotExist."""
    _require_staff(assigned_user)
    with transaction.atomic():
        batch = lock_batch(batch_id)
        before = batch.assigned_user_id
        after = assigned_user.pk if assigned_user else None
        if before != after:
            batch.assigned_user = assigned_user
            batch.save(update_fields=["assigned_user", "updated_at"])
            record(
                "promo.batch.assigned",
                target=batch,
                before={"assigned_user": str(before or "")},
                after={"assigned_user": str(after or "")},
                at=at,
            )
    return batch


def terms_of(batch: Batch) -> BatchTerms:
    """The terms as they stand."""
    return BatchTerms(
        name=batch.name,
        description=batch.description,
        amount_per_code=batch.amount_per_code,
        currency=batch.currency,
        expiration_date=batch.expiration_date,
        budget=batch.budget,
    )


def _require_valid(terms: BatchTerms, *, before: BatchTerms | None, at: datetime) -> None:
    errors = find_errors(terms, rules=current(PromoRules), accounts=paying_accounts(), before=before, at=at)
    if errors:
        raise InvalidTerms(errors)


def _require_staff(user: User | None) -> None:
    if user is not None and not (user.is_staff and user.is_active):
        raise NotAStaffMember(f"{user} is not an active staff member.")


def _change_budget(batch: Batch, terms: BatchTerms) -> None:
    """Between two amounts at any time; from none to one only before there are codes."""
    if batch.budget is not None and terms.budget is not None:
        resize_budget(batch=batch, budget=terms.budget)
        return
    if terms.budget is None:
        raise BudgetFixed("A budget cannot be taken off a batch. Raise it instead.")
    # Runs are ordered under the batch's lock, which we hold.
    if batch.total_codes or GenerationRun.objects.filter(batch=batch).exists():
        raise BudgetFixed("A budget can only be put on a batch before its first codes are made.")
    batch.budget = terms.budget
    open_budget(batch=batch)


def _save_with_unique_name(batch: Batch, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            batch.save(force_insert=force_insert)
    except IntegrityError as error:
        if "batch_name_unique" in str(error):
            raise BatchNameTaken(f"A batch named {batch.name!r} exists already.") from error
        raise


def _facts(batch: Batch) -> dict[str, Any]:
    """What the audit trail keeps of a batch."""
    return {
        "name": batch.name,
        "description": batch.description,
        "amount_per_code": str(quantize(batch.amount_per_code, batch.currency)),
        "currency": batch.currency,
        "expiration_date": batch.expiration_date.isoformat(),
        "budget": str(quantize(batch.budget, batch.currency)) if batch.budget is not None else None,
        "assigned_user": str(batch.assigned_user_id or ""),
        "status": batch.status,
    }
