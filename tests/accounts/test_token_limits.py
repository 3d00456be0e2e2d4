"""So many a minute and not one more, however many come at once: over HTTP, with real threads (contract section 3)."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django_redis import get_redis_connection
from pytest_django.live_server_helper import LiveServer

from accounts.api import throttles
from accounts.api.throttles import token_limiter
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import PATIENCE, run_together

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
ADDRESS = "/api/v1/ussd/status/"


@dataclass(frozen=True)
class Answer:
    """What a client sees."""

    status: int
    retry_after: str | None
    body: bytes


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    """The minute stands still, so that a slow machine sees no second one."""
    with time_machine.travel(AT + timedelta(hours=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def call(live_server: LiveServer) -> Any:
    """`call(plain, times)`: so many requests one after the other, over one connection."""

    def send(plain: str, times: int = 1) -> list[Answer]:
        where = urlsplit(live_server.url)
        client = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        answers = []
        for _ in range(times):
            client.request("GET", ADDRESS, headers={"x-api-token": plain})
            response = client.getresponse()
            answers.append(Answer(response.status, response.headers["Retry-After"], response.read()))
        client.close()
        return answers

    return send


def count(results: list[list[Answer]]) -> Counter[int]:
    return Counter(answer.status for answers in results for answer in answers)


def test_limit_is_exact_and_each_tokens_own(call: Any, now: Any) -> None:
    _one, one = make_token(rate_limit=50, scopes=["monitor"])
    _two, two = make_token(rate_limit=30, scopes=["monitor"], partner_email="two@telco.example")

    results = run_together(THREADS, lambda number: call(two if number % 2 else one, 16))

    assert count(results[0::2]) == {200: 50, 429: 14}
    assert count(results[1::2]) == {200: 30, 429: 34}
    refused = [answer for answers in results for answer in answers if answer.status == 429]
    assert {answer.retry_after for answer in refused} == {"60"}
    assert all(b'"code":"RATE_LIMITED"' in answer.body for answer in refused)
    # Whoever waits as long as told is let in again.
    now.shift(60.001)
    assert count([call(one)]) == {200: 1}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_a_minute_are_held_exactly(call: Any) -> None:
    _token, plain = make_token(scopes=["monitor"])

    results = run_together(THREADS, lambda _number: call(plain, 130))

    assert count(results) == {200: 1000, 429: 40}


class Careless:
    """A limiter that looks first and counts after: what several do at once, each of them may."""

    def __init__(self, hold: Callable[[], object]) -> None:
        self._hold = hold

    def hit(self, limit: Any, key: str) -> bool:
        redis, name = get_redis_connection("sessions"), f"{settings.REDIS_KEY_PREFIX}:careless:{key}"
        used = redis.llen(name)
        self._hold()
        redis.rpush(name, 1)
        return bool(used < limit.amount)

    def get_window_stats(self, limit: Any, key: str) -> Any:
        return token_limiter().get_window_stats(limit, key)


class Ours(Careless):
    """The real one, met by as many at the same moment."""

    def hit(self, limit: Any, key: str) -> bool:
        self._hold()
        return bool(token_limiter().hit(limit, key))


@pytest.mark.parametrize(("limiter", "allowed"), [(Careless, THREADS), (Ours, 3)])
def test_those_who_come_at_the_same_moment(
    limiter: type[Careless], allowed: int, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _token, plain = make_token(rate_limit=3, scopes=["monitor"])
    all_together = threading.Barrier(THREADS)
    shared = limiter(lambda: all_together.wait(PATIENCE))
    monkeypatch.setattr(throttles, "token_limiter", lambda: shared)

    results = run_together(THREADS, lambda _number: call(plain))

    assert count(results) == Counter({200: allowed, 429: THREADS - allowed})
