"""Guess-blocking in Redis: how many wrong codes a phone may try (contract section 4).

A try is counted before the code is looked up and given back when it turns out right, so that many at once cannot slip
through between looking and counting. Wrong ones stay counted for a day, in one sorted set per phone that serves all
three windows. A phone that asks for more than any window allows is shut out for a while; tries that only compete with
tries still under way are turned away without that.

When Redis is away the answer is UNKNOWN and the caller counts in the database instead (`services.attempts`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_hex

import structlog
from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis, RedisError

from promos.configuration import PromoRules

logger = structlog.get_logger(__name__)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# A try whose process died without a word is forgotten after so long; a turn takes seconds.
UNDER_WAY = timedelta(minutes=2)

# KEYS: wrong tries, tries under way, block. ARGV: now, member, block length, under-way length, then window and limit
# three times; all times in milliseconds of the caller's clock. Returns what, and for how long.
_BEGIN = """
local now = tonumber(ARGV[1])
local blocked_until = tonumber(redis.call('GET', KEYS[3]) or 0)
if blocked_until > now then return {'blocked', blocked_until - now} end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[9]))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[4]))
local under_way = redis.call('ZCARD', KEYS[2])
local busy = false
for i = 5, 9, 2 do
    local wrong = redis.call('ZCOUNT', KEYS[1], '(' .. (now - tonumber(ARGV[i])), '+inf')
    local limit = tonumber(ARGV[i + 1])
    if wrong >= limit then
        redis.call('SET', KEYS[3], now + tonumber(ARGV[3]), 'PX', ARGV[3])
        return {'block_started', tonumber(ARGV[3])}
    end
    if wrong + under_way >= limit then busy = true end
end
if busy then return {'busy', 1000} end
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'allowed', 0}
"""
# KEYS: wrong tries, tries under way. ARGV: member, its time, how long to keep.
_BURN = """
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""


class Verdict(StrEnum):
    """Whether a phone may try a code now."""

    ALLOWED = "allowed"
    BUSY = "busy"  # other tries of this phone are under way and use up what is left
    BLOCKED = "blocked"
    BLOCK_STARTED = "block_started"  # blocked by this very try
    UNKNOWN = "unknown"  # Redis is away


@dataclass(frozen=True)
class Try:
    """One try, to be settled by `burn` or `give_back` when the verdict was ALLOWED."""

    phone: str
    verdict: Verdict
    at: datetime
    member: str = ""
    retry_after: timedelta = timedelta()


def begin_try(*, phone: str, rules: PromoRules, at: datetime) -> Try:
    """Count one try of this phone, if it may. One round trip; never raises."""
    member = token_hex(8)
    windows = [(MINUTE, rules.attempts_per_minute), (HOUR, rules.attempts_per_hour), (DAY, rules.attempts_per_day)]
    arguments: list[str | int] = [_ms(at), member, rules.block_minutes * 60_000, _length(UNDER_WAY)]
    for window, limit in windows:
        arguments += [_length(window), limit]
    try:
        client = _client()
        word, wait = client.register_script(_BEGIN)(keys=_keys(phone), args=arguments)
    except (RedisError, OSError) as error:
        logger.warning("guess_throttle_away", error=str(error))
        return Try(phone=phone, verdict=Verdict.UNKNOWN, at=at)
    return Try(
        phone=phone,
        verdict=Verdict(word.decode()),
        at=at,
        member=member,
        retry_after=timedelta(milliseconds=int(wait)),
    )


def burn(attempt: Try) -> None:
    """The code was wrong: the try stays counted."""
    if attempt.verdict == Verdict.ALLOWED:
        keys = _keys(attempt.phone)[:2]
        _quietly(lambda client: client.register_script(_BURN)(keys, [attempt.member, _ms(attempt.at), _length(DAY)]))


def give_back(attempt: Try) -> None:
    """The code was right, or nothing could be said: the try does not count."""
    if attempt.verdict == Verdict.ALLOWED:
        _quietly(lambda client: client.zrem(_keys(attempt.phone)[1], attempt.member))


def _quietly(write: Callable[[Redis], object]) -> None:
    """The customer's answer is decided; a Redis that dies now must not take it away."""
    try:
        write(_client())
    except (RedisError, OSError) as error:
        logger.warning("guess_throttle_away", error=str(error))


def _client() -> Redis:
    return get_redis_connection("sessions")


def _keys(phone: str) -> list[str]:
    """Three keys of one cluster slot."""
    stem = f"{settings.REDIS_KEY_PREFIX}:promo:tries:{{{phone}}}"
    return [f"{stem}:wrong", f"{stem}:under_way", f"{stem}:blocked_until"]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _length(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
