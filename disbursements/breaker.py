"""The circuit breaker of each provider: pauses sending after sends without a clear answer (architecture section 2).

One for each account (`disbursements.accounts`), shared by all workers in Redis and timed by Redis's clock. Only sends
count: asking goes on during a pause. While Redis is away everything may be sent.
"""

from dataclasses import dataclass
from enum import StrEnum

import redis
import structlog
from django.conf import settings
from django_redis import get_redis_connection

from configuration.selectors import current
from disbursements.accounts import account_of
from disbursements.configuration import PaymentSettings
from disbursements.providers.base import Answer, Outcome

# Answers that say nothing about whether the provider works.
_UNCLEAR = frozenset({Answer.UNKNOWN, Answer.NOT_ASKED})
# Seconds without any send after which old failures no longer count.
FORGET_AFTER_SECONDS = 3600

# One hash per provider: `failures` in a row, `open_until` and `probe_until` in ms. Once `failures` reached the
# limit it stays so until a success; between pauses one caller at a time holds the probe, which falls by itself
# when its holder dies. Failures of sends begun before the pause do not prolong it.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local act, limit = ARGV[1], tonumber(ARGV[2])
local open_ms, probe_ms, forget_ms = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'probe_until')
local failures = tonumber(held[1] or '0')
local open_left = tonumber(held[2] or '0') - now
local probe_left = tonumber(held[3] or '0') - now
if act == 'success' then
  redis.call('DEL', KEYS[1])
  return {'closed', 0, 0}
elseif act == 'failure' then
  failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  if failures >= limit and open_left <= 0 then
    redis.call('HSET', KEYS[1], 'open_until', now + open_ms, 'probe_until', 0)
    open_left = open_ms
  end
  redis.call('PEXPIRE', KEYS[1], open_ms + forget_ms)
end
if failures < limit then return {'closed', failures, 0} end
if open_left > 0 then return {'open', failures, open_left} end
if act ~= 'allow' or probe_left > 0 then return {'half_open', failures, 0} end
redis.call('HSET', KEYS[1], 'probe_until', now + probe_ms)
return {'probe', failures, 0}
"""

logger = structlog.get_logger(__name__)


class BreakerState(StrEnum):
    """What a breaker says. `probe` is said to one caller of a half-open breaker: send this one, to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    PROBE = "probe"


@dataclass(frozen=True)
class BreakerReport:
    """A breaker as people may see it. `state` is None when Redis cannot say."""

    state: BreakerState | None
    failures: int = 0
    seconds_left: float = 0


def allow(provider: str) -> bool:
    """Whether a payout may be sent to this provider now. After a pause one caller is let through as the probe.

    Whoever was let through tells what came of it by `record_outcome`, or by the two functions below it.
    """
    return _run(provider, "allow").state not in {BreakerState.OPEN, BreakerState.HALF_OPEN}


def record_outcome(provider: str, outcome: Outcome) -> None:
    """Count the outcome of a send. A refusal is an answer: the provider works."""
    if outcome.answer in _UNCLEAR:
        record_failure(provider)
    else:
        record_success(provider)


def record_success(provider: str) -> None:
    """The provider answered: send freely."""
    _run(provider, "success")


def record_failure(provider: str) -> None:
    """No clear answer; enough of them in a row begin a pause, and so does a probe without answer."""
    report = _run(provider, "failure")
    if report.state is BreakerState.OPEN:
        logger.warning("provider_paused", provider=provider, failures=report.failures)


def report(provider: str) -> BreakerReport:
    """How the breaker stands, changing nothing."""
    return _run(provider, "report")


def _run(provider: str, act: str) -> BreakerReport:
    payments, account = current(PaymentSettings), account_of(provider)
    # A probe is over when its call is: a token, a transfer, and both again after 401.
    call_seconds = 4 * (account.momo_connect_timeout_seconds + account.momo_read_timeout_seconds)
    seconds = (payments.breaker_open_seconds, call_seconds, FORGET_AFTER_SECONDS)
    try:
        run = get_redis_connection("sessions").register_script(_SCRIPT)
        state, failures, milliseconds = run(
            keys=[f"{settings.REDIS_KEY_PREFIX}:breaker:{provider}"],
            args=[act, payments.breaker_failures, *(value * 1000 for value in seconds)],
        )
    except (redis.RedisError, OSError) as error:
        logger.warning("breaker_unreadable", provider=provider, error=type(error).__name__)
        return BreakerReport(None)
    return BreakerReport(BreakerState(state.decode()), failures, milliseconds / 1000)
