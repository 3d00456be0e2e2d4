"""The access token: shared, renewed by one, never in the way (mobile money notes A3)."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django_redis import get_redis_connection

from disbursements.providers.mtn_momo import tokens
from disbursements.providers.mtn_momo.tokens import Token, TokenSource, TokenUnavailable
from disbursements.statuses import ErrorClass
from tests.support.ports import closed_port


@dataclass
class Mint:
    """Counts what it mints: token-1, token-2… Raises what it is told to, after it has done what comes before."""

    seconds: float = 3600
    before: Callable[[], object] = lambda: None
    error: TokenUnavailable | None = None
    minted: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> tuple[str, float]:
        self.before()
        if self.error:
            raise self.error
        with self.lock:
            self.minted += 1
            return f"token-{self.minted}", self.seconds


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def mint() -> Mint:
    return Mint()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(mint: Mint, clock: Clock) -> TokenSource:
    return TokenSource(name=uuid4().hex, mint=mint, mint_seconds=60, margin_seconds=600, clock=clock)


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    # Through a pool, as in the settings: a bare client would try again by itself, for seconds.
    dead = redis.Redis(connection_pool=redis.ConnectionPool(port=closed_port()))
    monkeypatch.setattr(tokens, "get_redis_connection", lambda _alias: dead)


def in_threads(count: int, act: Callable[[], object]) -> list[object]:
    """What `act` gave to each of `count` threads released at once."""
    barrier = threading.Barrier(count)

    def wait_and_act(_number: int) -> object:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count)))


def test_current_is_minted_once_and_kept(source: TokenSource, mint: Mint) -> None:
    assert [source.current() for _ in range(3)] == ["token-1"] * 3
    assert mint.minted == 1


def test_current_is_shared_with_other_processes(source: TokenSource) -> None:
    source.current()
    tokens._known.clear()

    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:  # it inherits nothing but Redis
        os.write(writer, source.current().encode())
        os._exit(0)
    os.waitpid(worker, 0)

    assert os.read(reader, 100) == b"token-1"


def test_current_is_not_readable_in_redis(source: TokenSource) -> None:
    source.current()

    stored = get_redis_connection("sessions").get(f"{settings.REDIS_KEY_PREFIX}:momo:token:{source.name}")

    assert stored
    assert b"token-1" not in stored


def test_current_of_twenty_threads_mints_one_token(source: TokenSource, mint: Mint) -> None:
    mint.before = lambda: time.sleep(0.1)

    assert in_threads(20, source.current) == ["token-1"] * 20
    assert mint.minted == 1


def test_current_without_lock_would_mint_many(source: TokenSource, mint: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: with the lock out, everybody mints. Nobody is done before all have begun."""
    mint.before = partial(threading.Barrier(20).wait, 60)
    monkeypatch.setattr(TokenSource, "_turn", lambda _self, wait: always_ours())

    in_threads(20, source.current)

    assert mint.minted == 20


class always_ours:
    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_error: object) -> None:
        return None


def test_current_is_renewed_ten_minutes_before_it_expires(source: TokenSource, clock: Clock) -> None:
    source.current()

    clock.now += 2999
    before = source.current()
    clock.now += 2
    after = source.current()

    assert (before, after) == ("token-1", "token-2")


def test_current_short_lived_token_is_used_for_half_its_life(source: TokenSource, mint: Mint, clock: Clock) -> None:
    mint.seconds = 100
    source.current()

    clock.now += 49
    before = source.current()
    clock.now += 2
    after = source.current()

    assert (before, after) == ("token-1", "token-2")


def test_current_early_renewal_is_one_threads_work_and_keeps_nobody(
    source: TokenSource, mint: Mint, clock: Clock
) -> None:
    source.current()
    clock.now += 3001
    through = threading.Semaphore(0)
    # Done only when everybody else has got a token meanwhile.
    mint.before = lambda: [through.acquire(timeout=60) for _other in range(9)]

    def current() -> str:
        try:
            return source.current()
        finally:
            through.release()

    found = in_threads(10, current)

    assert mint.minted == 2
    assert sorted(found) == ["token-1"] * 9 + ["token-2"]


def test_current_failed_early_renewal_is_tried_again_after_a_pause(
    source: TokenSource, mint: Mint, clock: Clock
) -> None:
    source.current()
    clock.now += 3001
    mint.error = TokenUnavailable(error_class=ErrorClass.TEMPORARY, code="HTTP_503")
    first = source.current()
    mint.error = None

    clock.now += 59
    second = source.current()
    clock.now += 2
    third = source.current()

    assert (first, second, third) == ("token-1", "token-1", "token-2")


def test_current_expired_token_is_never_given(source: TokenSource, mint: Mint, clock: Clock) -> None:
    source.current()
    clock.now += 3600
    mint.error = TokenUnavailable(error_class=ErrorClass.TEMPORARY, code="HTTP_503")

    with pytest.raises(TokenUnavailable):
        source.current()


def test_replace_of_twenty_threads_mints_one_token(source: TokenSource, mint: Mint) -> None:
    rejected = source.current()
    mint.before = lambda: time.sleep(0.05)

    assert in_threads(20, lambda: source.replace(rejected)) == ["token-2"] * 20
    assert mint.minted == 2


def test_replace_takes_the_newer_token_of_another_worker(source: TokenSource, mint: Mint) -> None:
    rejected = source.current()
    newer = source.replace(rejected)

    assert source.replace(rejected) == newer
    assert mint.minted == 2


def test_renewal_by_a_worker_that_never_ends_is_not_waited_for_longer_than_one_takes(
    source: TokenSource, mint: Mint
) -> None:
    source = replace(source, mint_seconds=1)
    lock = get_redis_connection("sessions").lock(f"{source._key}:turn", timeout=600)
    lock.acquire()
    started = time.monotonic()

    with pytest.raises(TokenUnavailable) as refused:
        source.current()

    assert refused.value.code == "TOKEN_BUSY"
    assert refused.value.error_class is ErrorClass.TEMPORARY
    assert time.monotonic() - started < 60
    assert mint.minted == 0


@pytest.mark.usefixtures("no_redis")
def test_current_without_redis_is_kept_in_the_process(source: TokenSource, mint: Mint) -> None:
    assert in_threads(5, source.current) == ["token-1"] * 5
    assert source.replace("token-1") == "token-2"
    assert source.current() == "token-2"
    assert mint.minted == 2


def test_current_stored_under_lost_keys_is_minted_again(source: TokenSource, mint: Mint, settings: object) -> None:
    source.current()
    settings.FIELD_ENCRYPTION_KEYS = ["pVDfu3PT8wB7J7Zmu1hYbSUwPWzBbGFNnAk0Y9R1mVQ="]  # type: ignore[attr-defined]

    assert source.current() == "token-2"


def test_token_hides_its_value() -> None:
    assert "secret" not in repr(Token("secret", 1, 2))
