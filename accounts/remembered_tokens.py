"""Tokens this process has verified: so that a turn pays for bcrypt once a minute, not every time."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from accounts.models import ApiToken

# Seconds a verified token needs no bcrypt (contract section 3).
TRUSTED_FOR = 60
# Seconds the row as last read stands in while PostgreSQL is away. Nobody can revoke a token then either.
STANDS_IN_FOR = 900
MOST_REMEMBERED = 1000


@dataclass
class _Memory:
    token: ApiToken
    verified_at: float
    read_at: float


class RememberedTokens:
    """By the token's SHA-256, never the token. Bounded: the one unused for longest goes first."""

    def __init__(self) -> None:
        self._memories: OrderedDict[str, _Memory] = OrderedDict()
        self._lock = Lock()

    def remember(self, digest: str, token: ApiToken) -> None:
        """bcrypt has just said that this digest belongs to this row."""
        now = time.monotonic()
        with self._lock:
            self._memories[digest] = _Memory(token=token, verified_at=now, read_at=now)
            self._memories.move_to_end(digest)
            while len(self._memories) > MOST_REMEMBERED:
                self._memories.popitem(last=False)

    def trusts(self, digest: str, token: ApiToken) -> bool:
        """Whether this digest was verified against this very row and hash within the last minute.

        `token` is the row as just read; it is what stands in when the database goes away.
        """
        now = time.monotonic()
        with self._lock:
            memory = self._memories.get(digest)
            if memory is None or memory.token.pk != token.pk or memory.token.token_hash != token.token_hash:
                return False
            if now - memory.verified_at >= TRUSTED_FOR:
                return False
            memory.token, memory.read_at = token, now
            self._memories.move_to_end(digest)
            return True

    def stand_in(self, digest: str) -> ApiToken | None:
        """The row as last read, while it is fresh enough to go by without the database."""
        with self._lock:
            memory = self._memories.get(digest)
            if memory is None or time.monotonic() - memory.read_at >= STANDS_IN_FOR:
                return None
            return memory.token

    def forget(self) -> None:
        """Everything, as a new process."""
        with self._lock:
            self._memories.clear()


remembered_tokens = RememberedTokens()
