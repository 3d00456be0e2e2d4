"""Telling a worker to look at a row, once the transaction that changed it is committed."""

from functools import partial
from uuid import UUID

from django.db import transaction

from disbursements import tasks

# The queue's own delays are for seconds only: a broker gives a task it holds for long to a second worker.
LONGEST_COUNTDOWN_SECONDS = 10


def nudge_disbursement(disbursement_id: UUID, *, after_seconds: float = 0) -> None:
    """Look at this payout after the commit. Beyond seconds, and whenever the broker is away, the sweep does it."""
    if after_seconds > LONGEST_COUNTDOWN_SECONDS:
        return
    send = partial(
        tasks.advance.apply_async, kwargs={"disbursement_id": str(disbursement_id)}, countdown=after_seconds or None
    )
    transaction.on_commit(send, robust=True)


def nudge_callback(callback_id: int) -> None:
    """Look at this stored callback after the commit."""
    send = partial(tasks.process_callback.apply_async, kwargs={"callback_id": callback_id})
    transaction.on_commit(send, robust=True)
