"""What this process knows of all categories: one small SELECT every few seconds serves every reader.

Readers never fail and never wait for a database that is away: they get the last known values, else defaults.
"""

import os
import threading
import time
from typing import Any, NamedTuple

import structlog
from django.db import connection

from configuration.categories import Category
from configuration.models import ConfigurationVersion
from configuration.registry import all_categories
from configuration.storage import read_stored

# Seconds between looks at the database, whether the last look succeeded or not. A change is seen by every
# process within this time plus the SELECT, inside the 5 s promised (architecture section 6).
LOOK_EVERY_SECONDS = 3.0
# Row of what was never read.
UNREAD = -1

logger = structlog.get_logger(__name__)


class Known(NamedTuple):
    """One category as last read. Row 0 and version 0 are the defaults: nobody has changed it yet.

    `is_certain`: what `never_guessed` names is what staff have set. Otherwise it is a default in place of something
    that was never read, or could not be.
    """

    row_id: int
    version: int
    values: Category
    is_certain: bool = True


_known: dict[str, Known] = {}
_next_look = 0.0
_look_lock = threading.Lock()
_database_away = False


def known_category(category: type[Category]) -> Known:
    """The category as this process knows it, after a look at the database if one is due."""
    # One thread looks. The others go on with what is known; only at the very start do they wait.
    if time.monotonic() >= _next_look and _look_lock.acquire(blocking=category.slug not in _known):
        try:
            if time.monotonic() >= _next_look:
                _look()
        finally:
            _look_lock.release()
    known = _known.get(category.slug)
    if known is None:
        # Not registered when we looked, or the database has been away since the start.
        known = _known.setdefault(category.slug, Known(UNREAD, 0, category(), is_certain=False))
    return known


def expire_snapshot() -> None:
    """Look again at the next read. What is known stays known in case the database is away."""
    global _next_look
    _next_look = 0.0


def forget_snapshot() -> None:
    """Begin as a new process does: nothing known. For tests, whose database forgets too."""
    _known.clear()
    expire_snapshot()


def _look() -> None:
    """Read the version in force of every category. On failure keep what is known until the next look."""
    global _next_look, _database_away
    try:
        rows = _read_rows()
    except Exception as error:  # readers must go on whatever the database, the pool or an event loop says
        if not _database_away:
            logger.warning("configuration_unreadable", error=str(error))
        _database_away = True
    else:
        _database_away = False
        for category in all_categories():
            row_id, version, stored = rows.get(category.slug, (0, 0, {}))
            known = _known.get(category.slug)
            # By row and not by version: a version number of a rolled-back change is given out again.
            if known is None or known.row_id != row_id:
                _known[category.slug] = _read(category, row_id, version, stored, before=known)
    _next_look = time.monotonic() + LOOK_EVERY_SECONDS


def _read(
    category: type[Category], row_id: int, version: int, stored: dict[str, Any], *, before: Known | None
) -> Known:
    """A row that is new to us. What must not be guessed and cannot be read stays as it was known before."""
    values, unusable = read_stored(category, stored)
    missing = category.never_guessed & unusable
    is_certain = not missing or (before is not None and before.is_certain)
    if missing:
        logger.error(
            "configuration_limits_unusable", category=category.slug, fields=sorted(missing), kept_as_before=is_certain
        )
        if before is not None and is_certain:
            values = values.model_copy(update={name: getattr(before.values, name) for name in missing})
    return Known(row_id, version, values, is_certain)


def _read_rows() -> dict[str, tuple[int, int, dict]]:
    if connection.needs_rollback:
        raise RuntimeError("this transaction has already failed")
    newest = ConfigurationVersion.objects.order_by("category", "-version").distinct("category")
    return {row[0]: row[1:] for row in newest.values_list("category", "pk", "version", "values")}


def _start_afresh_in_child() -> None:
    global _look_lock
    # Another thread of the parent may have held the lock at the moment of the fork.
    _look_lock = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh_in_child)
