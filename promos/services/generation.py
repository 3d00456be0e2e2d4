"""Making codes: orders (runs), and the work on them in chunks (spec 5, section 2.4; architecture section 7).

A chunk is one transaction: codes, the run's count and the batch's count grow together, so a run that was killed goes on
where it stopped, without doubles and without a short count. Several workers on one run would only take turns.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from accounts.models import User
from audit.services import record
from configuration.selectors import current
from disbursements.accounts import paying_accounts
from promos.codes import generate_codes
from promos.configuration import PromoRules
from promos.locks import lock_batch, lock_run
from promos.models import Batch, GenerationRun
from promos.refusals import PromoRefusal
from promos.services.batch_status import reopen_batch
from promos.services.code_storage import CodesExhausted, store_codes
from promos.statuses import BatchStatus, RunStatus
from promos.tasks import generate_codes as generate_codes_task
from promos.terms import amount_error, currency_error

# Codes of one transaction: about a tenth of a second, so that progress shows and a cancel is soon heard.
CHUNK = 10_000
# A worker that has not stored a chunk for so long is taken for dead.
LEASE = timedelta(seconds=60)
# Chunks in a row that may lose against another run drawing the same codes. Such a chunk is drawn anew.
DEADLOCKS = 5


class InvalidOrder(PromoRefusal):
    """Codes cannot be made so: how many, or for how much, breaks a rule."""

    code = "INVALID_ORDER"


class BatchNotOpen(PromoRefusal):
    """Codes are made for batches that are active or completed only."""

    code = "BATCH_NOT_OPEN"


class RunFinished(PromoRefusal):
    """The run has ended; there is nothing to cancel."""

    code = "RUN_FINISHED"


def order_codes(
    *,
    batch_id: UUID,
    count: int,
    amount: Decimal | None = None,
    ordered_by: User | None = None,
    nudge: bool = True,
    at: datetime,
) -> GenerationRun:
    """Order `count` codes for a batch, each paying `amount` (the batch's when not said). A worker makes them.

    Without `nudge` the caller works the run itself with `run_generation`. Raises InvalidOrder, BatchNotOpen,
    Batch.DoesNotExist.
    """
    rules = current(PromoRules)
    if not 1 <= count <= rules.max_codes_per_run:
        raise InvalidOrder(f"One run makes 1 to {rules.max_codes_per_run:,} codes, not {count:,}.")
    with transaction.atomic():
        batch = lock_batch(batch_id)
        amount = batch.amount_per_code if amount is None else amount
        _require_open(batch, amount, rules=rules, at=at)
        run = GenerationRun.objects.create(
            batch=batch,
            requested=count,
            amount=amount,
            code_date=at.astimezone(rules.zone).date(),
            created_by=ordered_by,
            created_at=at,
        )
        reopen_batch(batch=batch, at=at)
        record(
            "promo.generation.ordered",
            target=run,
            after={"batch": str(batch.pk), "codes": count, "amount": str(amount), "currency": batch.currency},
            at=at,
        )
        if nudge:
            transaction.on_commit(lambda: generate_codes_task.delay(run_id=str(run.pk)), robust=True)
    return run


def cancel_generation(*, run_id: UUID, reason: str = "", at: datetime) -> GenerationRun:
    """Stop a run: at once when nobody works on it, else after the chunk under way. Codes made so far stay.

    Asking again changes nothing. Raises RunFinished, GenerationRun.DoesNotExist.
    """
    with transaction.atomic():
        run = lock_run(run_id)
        if run.is_finished:
            raise RunFinished(f"The run is {run.get_status_display().lower()} already.")
        if run.cancel_requested:
            return run
        run.cancel_requested = True
        run.save(update_fields=["cancel_requested"])
        made = {"generated": run.generated}
        record("promo.generation.cancel_requested", target=run, after=made, reason=reason, at=at)
        if run.lease_until is None or run.lease_until <= at:
            _finish(run, RunStatus.CANCELLED, at=at)
    return run


def run_generation(*, run_id: UUID, clock: Callable[[], datetime] = timezone.now) -> GenerationRun:
    """Work a run to its end, or leave it to the worker that is on it. Safe to call at any time, any number of times.

    A run whose codes ran out ends failed, with the reason in `error_message`; the codes made so far stay.
    """
    if not _claim(run_id, at=clock()):
        return GenerationRun.objects.get(pk=run_id)
    rules = current(PromoRules)
    deadlocks = 0
    while True:
        try:
            run = _store_chunk(run_id, rules=rules, at=clock())
        except CodesExhausted as error:
            return _fail(run_id, error, at=clock())
        except OperationalError as error:
            deadlocks += 1
            if deadlocks > DEADLOCKS or not isinstance(error.__cause__, DeadlockDetected):
                raise
            continue
        deadlocks = 0
        if run.is_finished:
            return run


def _require_open(batch: Batch, amount: Decimal, *, rules: PromoRules, at: datetime) -> None:
    accounts = paying_accounts()
    if error := currency_error(batch.currency, accounts=accounts) or amount_error(
        amount, batch.currency, accounts=accounts
    ):
        raise InvalidOrder(error)
    if batch.budget is not None and amount > batch.budget:
        raise InvalidOrder("One code would pay more than the batch's whole budget.")
    if batch.status not in {BatchStatus.ACTIVE, BatchStatus.COMPLETED}:
        raise BatchNotOpen(f"The batch is {batch.get_status_display().lower()}: no codes can be made for it.")
    if batch.expiration_date <= at:
        raise BatchNotOpen("The batch's expiration date is over: no codes can be made for it.")


def _claim(run_id: UUID, *, at: datetime) -> bool:
    """Take the run if it is unfinished and nobody is on it; True when it is ours."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=at)
    claimed = GenerationRun.objects.filter(free, pk=run_id, status__in=RunStatus.UNFINISHED)
    now_ours = {"status": RunStatus.RUNNING, "lease_until": at + LEASE}
    return claimed.update(**now_ours, started_at=Coalesce(F("started_at"), at)) == 1


def _store_chunk(run_id: UUID, *, rules: PromoRules, at: datetime) -> GenerationRun:
    """One chunk with its counts, all or nothing; ends the run when it is whole or cancelled."""
    with transaction.atomic(durable=True):
        run = lock_run(run_id)
        if run.is_finished:
            return run
        if run.cancel_requested:
            return _finish(run, RunStatus.CANCELLED, at=at)
        count = min(CHUNK, run.requested - run.generated)
        store_codes(run=run, count=count, draw=partial(_draw, run.code_date, rules), at=at)
        run.generated += count
        run.lease_until = at + LEASE
        run.save(update_fields=["generated", "lease_until"])
        # Last: other runs of the batch wait for this row.
        Batch.objects.filter(pk=run.batch_id).update(total_codes=F("total_codes") + count, updated_at=at)
        if run.generated == run.requested:
            _finish(run, RunStatus.COMPLETED, at=at)
    return run


def _draw(code_date: date, rules: PromoRules, count: int) -> list[str]:
    return generate_codes(
        count=count, made_on=code_date, alphabet=rules.alphabet, check_from=rules.check_character_from
    )


def _fail(run_id: UUID, error: CodesExhausted, *, at: datetime) -> GenerationRun:
    with transaction.atomic():
        run = lock_run(run_id)
        if not run.is_finished:
            run.error_message = f"{run.generated:,} of {run.requested:,} codes made. {error}"[:300]
            _finish(run, RunStatus.FAILED, at=at)
    return run


def _finish(run: GenerationRun, status: RunStatus, *, at: datetime) -> GenerationRun:
    """End the run and record it; the caller holds its lock."""
    before = run.status
    assert status in RunStatus.MOVES[before], f"{before} to {status}"
    run.status = status
    run.finished_at = at
    run.lease_until = None
    run.save(update_fields=["status", "finished_at", "lease_until", "error_message"])
    record(
        f"promo.generation.{status.value}",
        target=run,
        before={"status": before},
        after={"status": run.status, "generated": run.generated, "requested": run.requested},
        reason=run.error_message,
        at=at,
    )
    return run
