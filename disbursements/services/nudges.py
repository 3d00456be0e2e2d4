"""Telling a worker to look at a row, once the transaction that changed it is committed."""

from uuid import UUID

from django.db import transaction

from disbursements import tasks

# The queue's own delays are for seconds only: a broker gives a task it holds for long to a second worker.
LONGEST_COUNTDOWN_SECONDS = 10


def nudge_disbursement(disbursement_id: UUID, *, after_seconds: float = 0) -> None:
    """Look at this payout after the commit. Beyond seconds, and whenever the broker is away, the sweep does it."""
    if after_seconds > LONGEST_COUNTDOWN_SECONDS:
        return
    kwargs, countdown = {"disbursement_id": str(disbursement_id)}, max(after_seconds, 0)
    # A function with a name, no partial: Django names the one that failed, and fails itself when it has none.
    transaction.on_commit(lambda: tasks.advance.apply_async(kwargs=kwargs, countdown=countdown), robust=True)


def nudge_callback(callback_id: int) -> None:
    """Look at this stored callback after the commit."""
    transaction.on_commit(lambda: tasks.process_callback.apply_async(kwargs={"callback_id": callback_id}), robust=True)
