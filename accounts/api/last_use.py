"""When a token was last used: noted during the request, written after the answer has gone out.

So a turn never waits for it. A process that dies in between loses at most a minute's precision.
"""

from datetime import datetime
from threading import Lock
from typing import Any

import structlog
from django.db import Error, connection

from accounts.models import ApiToken
from accounts.services.token_checks import is_use_due, note_token_use

logger = structlog.get_logger(__name__)
_noted: dict[int, datetime] = {}
_lock = Lock()


def note_use(token: ApiToken, *, at: datetime) -> None:
    """Remember to keep this use, when the row lacks one of the last minute."""
    if is_use_due(token, at=at):
        with _lock:
            _noted[token.pk] = at


def keep_noted_uses(**_kwargs: Any) -> None:
    """Receiver of `request_finished`. A database that is away loses the note, not the request."""
    if not _noted:
        return
    with _lock:
        noted = dict(_noted)
        _noted.clear()
    # Django has already given this request's connection back; ours must go back too.
    opened_here = connection.connection is None
    try:
        for token_id, at in noted.items():
            note_token_use(token_id=token_id, at=at)
    except Error as error:
        logger.warning("token_use_not_kept", error=str(error))
    finally:
        if opened_here:
            connection.close()
