"""What tokens are used for: noted in the process during the request, written after the answer has gone out.

So a turn never waits for it and pays no statement. A process writes at most every few seconds: a rare request is
kept at once, a burst's last ones with the next request of any kind. What a dying process had noted since is lost;
nothing is counted twice.
"""

import time
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any

import structlog
from django.db import Error, connection

from accounts.models import ApiToken
from accounts.services.token_usage import Counts, add_usage, is_use_due, note_token_use

# Seconds between writes of one process.
WRITE_EVERY = 10.0

logger = structlog.get_logger(__name__)


class Notes:
    """What this process has seen and not written yet: a number or two for each token and day."""

    def __init__(self) -> None:
        self.counts: dict[tuple[int, date], Counts] = {}
        self.uses: dict[int, datetime] = {}
        self.next_write = 0.0


_notes = Notes()
_lock = Lock()
_writing = Lock()


def note_request(token: ApiToken, *, at: datetime) -> None:
    """A request came with this token."""
    with _lock:
        _counts_of(token, at).requests += 1
        if is_use_due(token, at=at):
            _notes.uses[token.pk] = at


def note_refusal(token: ApiToken, *, at: datetime) -> None:
    """A request noted before was over the token's limit."""
    with _lock:
        _counts_of(token, at).refused += 1


def forget_notes() -> None:
    """Begin as a new process does. For tests, whose database forgets too."""
    global _notes
    with _lock:
        _notes = Notes()


def keep_notes(**_kwargs: Any) -> None:
    """Receiver of `request_finished`. One thread writes, the others go on."""
    notes = _notes
    if not (notes.counts or notes.uses) or time.monotonic() < notes.next_write:
        return
    if not _writing.acquire(blocking=False):
        return
    # Django has already given this request's connection back; ours must go back too.
    opened_here = connection.connection is None
    try:
        _write(notes)
    finally:
        _writing.release()
        if opened_here:
            connection.close()


def _write(notes: Notes) -> None:
    notes.next_write = time.monotonic() + WRITE_EVERY
    try:
        connection.ensure_connection()
    except Error as error:
        # Nothing was sent: the notes stay, and wait for the next try.
        logger.warning("token_usage_waits", error=str(error))
        return
    with _lock:
        counts, uses = notes.counts, notes.uses
        notes.counts, notes.uses = {}, {}
    try:
        if counts:
            add_usage(counts)
            counts = {}
        for token_id, at in uses.items():
            note_token_use(token_id=token_id, at=at)
    except Error as error:
        # They may have been counted before the connection broke, so they are not sent again.
        lost = sum(count.requests for count in counts.values())
        logger.warning("token_usage_not_kept", requests=lost, last_uses=len(uses), error=str(error))


def _counts_of(token: ApiToken, at: datetime) -> Counts:
    return _notes.counts.setdefault((token.pk, at.astimezone(UTC).date()), Counts())
