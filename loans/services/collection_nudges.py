"""Telling a worker to look at a request to pay, or at a callback, once the transaction is committed."""

from typing import Any
from uuid import UUID

from django.db import transaction

from loans import tasks

# The queue's own delays are for seconds only: a broker gives a task it holds for long to a second worker.
LONGEST_COUNTDOWN_SECONDS = 10


def nudge_collection(collection_id: UUID, *, after_seconds: float = 0, lives_seconds: float | None = None) -> None:
    """Look at this request after the commit. Beyond seconds, and whenever the broker is away, the sweep does it.

    A nudge that no worker has taken within `lives_seconds` is worth nothing; for those that are repeated.
    """
    if after_seconds > LONGEST_COUNTDOWN_SECONDS:
        return
    options: dict[str, Any] = {"kwargs": {"collection_id": str(collection_id)}, "countdown": max(after_seconds, 0)}
    options |= _life(lives_seconds)
    transaction.on_commit(lambda: tasks.advance_collection.apply_async(**options), robust=True)


def nudge_callback(callback_id: int, *, lives_seconds: float | None = None) -> None:
    """Look at this stored callback after the commit; `lives_seconds` as above."""
    options: dict[str, Any] = {"kwargs": {"callback_id": callback_id}} | _life(lives_seconds)
    transaction.on_commit(lambda: tasks.process_collection_callback.apply_async(**options), robust=True)


def _life(seconds: float | None) -> dict[str, Any]:
    return {} if seconds is None else {"expires": seconds}
