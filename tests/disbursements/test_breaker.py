"""The circuit breaker: shared, one probe, never in the way of Redis (architecture section 2)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django_redis import get_redis_connection

from disbursements import breaker
from disbursements.breaker import BreakerReport, BreakerState
from disbursements.configuration import PaymentSettings
from disbursements.providers.base import Answer, Outcome
from tests.support.ports import closed_port

LIMIT = 3
OPEN_SECONDS = 600


@pytest.fixture(autouse=True)
def few_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that nobody waits for: `let_pass` puts it into the past."""
    payments = PaymentSettings(breaker_failures=LIMIT, breaker_open_seconds=OPEN_SECONDS)
    monkeypatch.setattr(breaker, "current", lambda _category: payments)
    monkeypatch.setattr(breaker, "account_of", lambda _provider: payments)


@pytest.fixture
def provider() -> str:
    return f"provider-{uuid4().hex}"


def fail(provider: str, times: int) -> None:
    for _ in range(times):
        breaker.record_failure(provider)


def let_pass(provider: str, seconds: float) -> None:
    """As if Redis's clock had gone on by so much."""
    client, key = get_redis_connection("sessions"), f"{settings.REDIS_KEY_PREFIX}:breaker:{provider}"
    for name in ("open_until", "probe_until"):
        if client.hexists(key, name):
            client.hincrby(key, name, -round(seconds * 1000))


def open_and_wait(provider: str) -> None:
    fail(provider, LIMIT)
    let_pass(provider, OPEN_SECONDS + 1)


def at_once(count: int, act: Callable[[], bool]) -> list[bool]:
    barrier = threading.Barrier(count)

    def wait_and_act(_number: int) -> bool:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count)))


def test_breaker_new_provider_is_closed(provider: str) -> None:
    assert breaker.allow(provider) is True
    assert breaker.report(provider) == BreakerReport(BreakerState.CLOSED)


def test_breaker_opens_at_the_limit_and_not_before(provider: str) -> None:
    fail(provider, LIMIT - 1)
    before = breaker.allow(provider)
    fail(provider, 1)
    after = breaker.allow(provider)

    assert (before, after) == (True, False)
    report = breaker.report(provider)
    assert (report.state, report.failures) == (BreakerState.OPEN, LIMIT)
    assert 0 < report.seconds_left <= OPEN_SECONDS


def test_breaker_success_between_failures_begins_the_count_again(provider: str) -> None:
    fail(provider, LIMIT - 1)
    breaker.record_success(provider)
    fail(provider, LIMIT - 1)

    assert breaker.allow(provider) is True


def test_breaker_of_one_provider_leaves_others_alone(provider: str) -> None:
    fail(provider, LIMIT)

    assert breaker.allow(f"{provider}-other") is True


def test_breaker_after_the_pause_lets_exactly_one_of_fifty_through(provider: str) -> None:
    open_and_wait(provider)

    assert sorted(at_once(50, lambda: breaker.allow(provider))) == [False] * 49 + [True]
    assert breaker.report(provider).state is BreakerState.HALF_OPEN


def test_breaker_probe_with_success_closes(provider: str) -> None:
    open_and_wait(provider)
    breaker.allow(provider)
    breaker.record_success(provider)

    assert at_once(10, lambda: breaker.allow(provider)) == [True] * 10


def test_breaker_probe_with_failure_opens_again_and_probes_again(provider: str) -> None:
    open_and_wait(provider)
    breaker.allow(provider)
    breaker.record_failure(provider)
    during = breaker.allow(provider)
    let_pass(provider, OPEN_SECONDS + 1)

    assert during is False
    assert sorted(at_once(10, lambda: breaker.allow(provider))) == [False] * 9 + [True]


def test_breaker_late_failures_do_not_prolong_the_pause(provider: str) -> None:
    fail(provider, LIMIT)
    let_pass(provider, OPEN_SECONDS * 0.7)
    fail(provider, 5)
    let_pass(provider, OPEN_SECONDS * 0.5)

    assert breaker.allow(provider) is True


def test_breaker_probe_of_a_dead_worker_falls_by_itself(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = PaymentSettings().model_copy(update={"momo_connect_timeout_seconds": 20, "momo_read_timeout_seconds": 30})
    monkeypatch.setattr(breaker, "account_of", lambda _provider: account)
    open_and_wait(provider)

    first = [breaker.allow(provider), breaker.allow(provider)]
    # Longer than a token, a transfer, and both again can take.
    let_pass(provider, 4 * 50 + 1)
    second = [breaker.allow(provider), breaker.allow(provider)]

    assert (first, second) == ([True, False], [True, False])


def test_breaker_report_takes_no_probe(provider: str) -> None:
    open_and_wait(provider)

    assert breaker.report(provider).state is BreakerState.HALF_OPEN
    assert breaker.allow(provider) is True


def test_breaker_counts_every_failure_of_many_workers(provider: str) -> None:
    at_once(20, lambda: breaker.record_failure(provider) is None)

    assert breaker.report(provider).failures == 20


@pytest.mark.parametrize("answer", list(Answer))
def test_breaker_outcome_without_clear_answer_is_a_failure(provider: str, answer: Answer) -> None:
    breaker.record_outcome(provider, Outcome(answer))

    unclear = {Answer.UNKNOWN, Answer.NOT_ASKED}
    assert breaker.report(provider).failures == (1 if answer in unclear else 0)


def test_breaker_without_redis_lets_everything_through(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = redis.Redis(connection_pool=redis.ConnectionPool(port=closed_port()))
    monkeypatch.setattr(breaker, "get_redis_connection", lambda _alias: dead)
    fail(provider, LIMIT * 2)

    assert breaker.allow(provider) is True
    assert breaker.report(provider) == BreakerReport(None)
