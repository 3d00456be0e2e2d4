"""How often a token may come (contract section 3)."""

import time
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.utils import timezone
from django_redis import get_redis_connection
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.api.usage import note_refusal
from accounts.models import ApiToken

logger = structlog.get_logger(__name__)


@lru_cache
def token_limiter() -> MovingWindowRateLimiter:
    """Counts in Redis, atomically: exactly so many in any sixty seconds, over all processes together.

    It shares the pool of the sessions, and so its short time-outs.
    """
    storage = RedisStorage(
        settings.REDIS_SESSION_URL,
        connection_pool=get_redis_connection("sessions").connection_pool,
        key_prefix=f"{settings.REDIS_KEY_PREFIX}:limits",
    )
    return MovingWindowRateLimiter(storage)


class TokenRateThrottle(BaseThrottle):
    """Each token's own limit a minute. Too many: 429 RATE_LIMITED with `Retry-After`.

    Open when Redis is away: menus and loans go on (guessing codes has a floor of its own, in the database).
    """

    def __init__(self) -> None:
        self._wait = 1.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """One Redis round trip, a second one only to say how long to wait."""
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        limit = RateLimitItemPerMinute(token.rate_limit, namespace="token")
        try:
            allowed = token_limiter().hit(limit, str(token.pk))
        except (redis.RedisError, OSError) as error:
            logger.warning("token_rate_not_counted", error=str(error))
            return True
        if not allowed:
            note_refusal(token, at=timezone.now())
            self._wait = _seconds_until_free(limit, token)
        return allowed

    def wait(self) -> float:
        """Seconds until one more is allowed."""
        return self._wait


def _seconds_until_free(limit: RateLimitItemPerMinute, token: ApiToken) -> float:
    try:
        oldest_leaves_at = token_limiter().get_window_stats(limit, str(token.pk)).reset_time
    except (redis.RedisError, OSError):
        return 1.0
    return max(1.0, oldest_leaves_at - time.time())
