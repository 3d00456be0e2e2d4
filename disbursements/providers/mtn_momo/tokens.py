"""The access token: one for all workers, kept in Redis, renewed by one of them at a time (mobile money notes A3).

While Redis is away each process keeps its own; MTN allows several at once.
"""

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import redis
import structlog
from django.conf import settings
from django_redis import get_redis_connection

from configuration.encryption import UnreadableSecret, decrypt, encrypt
from disbursements.statuses import ErrorClass

# Seconds before an early renewal that failed is tried again.
RENEWAL_PAUSE_SECONDS = 60

logger = structlog.get_logger(__name__)


class TokenUnavailable(Exception):
    """No token could be had, so nothing was asked with it. `code` is the provider's word or one of ours."""

    def __init__(
        self, *, error_class: ErrorClass, code: str, message: str = "", http_status: int | None = None
    ) -> None:
        super().__init__(code)
        self.error_class = error_class
        self.code = code
        self.message = message
        self.http_status = http_status


@dataclass(frozen=True)
class Token:
    """A token and its times, in seconds since 1970."""

    value: str = field(repr=False)
    renew_at: float
    expires_at: float


# What this process knows, by cache key; and who of its threads renews.
_known: dict[str, Token] = {}
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True)
class TokenSource:
    """Gives the token of one API user. `mint` asks the provider: value and seconds to live, or TokenUnavailable."""

    name: str
    mint: Callable[[], tuple[str, float]]
    mint_seconds: float
    margin_seconds: float
    clock: Callable[[], float] = time.time

    def current(self) -> str:
        """A token that has not expired. Raises TokenUnavailable."""
        token, now = self._read(), self.clock()
        if token is None or token.expires_at <= now:
            return self._renew(rejected=None)
        return token.value if now < token.renew_at else self._renew_early(token)

    def replace(self, rejected: str) -> str:
        """Another token than the one the provider rejected: somebody else's newer one, else a new one.

        Raises TokenUnavailable.
        """
        return self._renew(rejected=rejected)

    def _renew(self, *, rejected: str | None) -> str:
        with self._turn(wait=True) as is_ours:
            token = self._read()
            if token is not None and token.value != rejected and self.clock() < token.expires_at:
                return token.value
            if not is_ours:
                raise TokenUnavailable(error_class=ErrorClass.TEMPORARY, code="TOKEN_BUSY")
            return self._mint()

    def _renew_early(self, token: Token) -> str:
        """While the old one still works nobody waits for the new one, and a failure only means trying later."""
        with self._turn(wait=False) as is_ours:
            if is_ours and self._read() == token:
                try:
                    return self._mint()
                except TokenUnavailable as error:
                    logger.warning("momo_token_renewal_failed", code=error.code, http_status=error.http_status)
                    self._write(replace(token, renew_at=self.clock() + RENEWAL_PAUSE_SECONDS))
        return token.value

    def _mint(self) -> str:
        value, seconds = self.mint()
        now = self.clock()
        # A short-lived token is used for half its life at least.
        renew_after = max(seconds - self.margin_seconds, seconds / 2)
        self._write(Token(value, now + renew_after, now + seconds))
        return value

    @contextmanager
    def _turn(self, *, wait: bool) -> Iterator[bool]:
        """Whether it is our turn to renew: first among the threads of this process, then among processes.

        Waits no longer than one renewal takes.
        """
        give_up_at = time.monotonic() + (self.mint_seconds if wait else 0)
        if not _turns[self.name].acquire(timeout=max(0, give_up_at - time.monotonic())):
            yield False
            return
        try:
            # It outlives the slowest renewal, and falls by itself when its holder is killed.
            lock = _redis().lock(f"{self._key}:turn", timeout=self.mint_seconds * 2)
            is_ours = True
            try:
                is_ours = lock.acquire(blocking=wait, blocking_timeout=max(0, give_up_at - time.monotonic()))
            except (redis.RedisError, OSError):
                lock = None  # the threads' turn alone must do
            try:
                yield is_ours
            finally:
                if lock is not None and is_ours:
                    with suppress(redis.RedisError, OSError):
                        lock.release()
        finally:
            _turns[self.name].release()

    @property
    def _key(self) -> str:
        return f"{settings.REDIS_KEY_PREFIX}:momo:token:{self.name}"

    def _read(self) -> Token | None:
        try:
            stored = _redis().get(self._key)
            if not stored:
                return None
            return Token(**json.loads(decrypt(stored if isinstance(stored, str) else stored.decode())))
        except (redis.RedisError, OSError):
            return _known.get(self.name)
        except (UnreadableSecret, ValueError, TypeError):
            return None  # written under other keys or by another release

    def _write(self, token: Token) -> None:
        _known[self.name] = token
        stored = encrypt(json.dumps({"value": token.value, "renew_at": token.renew_at, "expires_at": token.expires_at}))
        with suppress(redis.RedisError, OSError):
            _redis().set(self._key, stored, px=max(1, int((token.expires_at - self.clock()) * 1000)))


def _redis() -> redis.Redis:
    return get_redis_connection("sessions")


def _start_afresh_in_child() -> None:
    # Another thread of the parent may have been renewing at the moment of the fork.
    _turns.clear()


os.register_at_fork(after_in_child=_start_afresh_in_child)
