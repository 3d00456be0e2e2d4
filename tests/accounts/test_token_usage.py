"""When and how often a token was used: noted in the request, kept after it, counted once."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.signals import request_finished
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.api import usage
from accounts.api.usage import WRITE_EVERY, keep_notes, note_refusal, note_request
from accounts.models import ApiToken, TokenUsage
from accounts.selectors import UsageDay, usage_of
from accounts.services.token_usage import Counts, add_usage, is_use_due, note_token_use
from tests.accounts.conftest import AT
from tests.accounts.tokens import make_token
from tests.audit.threads import run_together

pytestmark = [pytest.mark.urls("tests.accounts.tokens"), pytest.mark.django_db]
TODAY = AT.date()


class Clock:
    """The process's own clock, which decides when notes are written."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(usage, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def now(clock: Clock) -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def get(plain: str, client: Client | None = None) -> int:
    return (client or Client()).get("/loans", headers={"x-api-token": plain}).status_code


def kept() -> list[tuple[int, date, int, int]]:
    return list(TokenUsage.objects.order_by("token", "day").values_list("token", "day", "requests", "refused"))


def test_uses_are_counted_per_token_and_day(now: Any, clock: Clock) -> None:
    token, plain = make_token()
    other, other_plain = make_token(partner_email="other@telco.example")
    for used in (plain, plain, other_plain):
        get(used)
    now.move_to(AT + timedelta(days=1))
    get(plain)
    clock.seconds += WRITE_EVERY

    keep_notes()

    assert kept() == [(token.pk, TODAY, 2, 0), (token.pk, TODAY + timedelta(days=1), 1, 0), (other.pk, TODAY, 1, 0)]


def test_day_is_utc(clock: Clock) -> None:
    token, _plain = make_token()
    with time_machine.travel("2026-11-20T23:30:00-05:00", tick=False):
        note_request(token, at=AT.fromisoformat("2026-11-20T23:30:00-05:00"))
        keep_notes()

    assert [row[1] for row in kept()] == [date(2026, 11, 21)]


def test_refusals_are_counted_too(clock: Clock) -> None:
    token, plain = make_token(rate_limit=2)

    assert [get(plain) for _ in range(5)] == [200, 200, 429, 429, 429]

    clock.seconds += WRITE_EVERY
    keep_notes()
    assert kept() == [(token.pk, TODAY, 5, 3)]


@pytest.mark.parametrize("plain", ["a" * 96, "nonsense"])
def test_wrong_tokens_are_not_counted(plain: str) -> None:
    token, right = make_token()
    get(plain)
    get(right[:8] + "0" * 88)

    assert kept() == []
    token.refresh_from_db()
    assert token.last_used_at is None


def test_first_use_is_kept_at_once_and_a_burst_later(clock: Clock) -> None:
    """A process writes at most every few seconds, and nothing is lost or counted twice in between."""
    token, plain = make_token()
    client = Client()
    get(plain, client)
    assert kept() == [(token.pk, TODAY, 1, 0)]

    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            get(plain, client)
        assert [query["sql"].split()[0] for query in queries] == ["SELECT"]
    assert kept() == [(token.pk, TODAY, 1, 0)]
    clock.seconds += WRITE_EVERY
    get(plain, client)

    assert kept() == [(token.pk, TODAY, 5, 0)]
    keep_notes()
    clock.seconds += WRITE_EVERY
    keep_notes()
    assert kept() == [(token.pk, TODAY, 5, 0)]


@pytest.mark.django_db(transaction=True)
def test_processes_add_up() -> None:
    """Several write the same rows at once, in whatever order they met the tokens."""
    one, two = (make_token(partner_email=f"{name}@telco.example")[0] for name in ("one", "two"))
    counts = {(one.pk, TODAY): Counts(requests=2, refused=1), (two.pk, TODAY): Counts(requests=3)}

    def write(number: int) -> None:
        for _ in range(10):
            add_usage(counts if number % 2 else dict(reversed(counts.items())))

    assert run_together(6, write) == [None] * 6
    assert kept() == [(one.pk, TODAY, 120, 60), (two.pk, TODAY, 180, 0)]


@pytest.mark.django_db(transaction=True)
def test_threads_of_a_process_lose_no_note() -> None:
    token, _plain = make_token()

    def note(_number: int) -> None:
        for _ in range(200):
            note_request(token, at=AT)
            note_refusal(token, at=AT)
            usage._notes.next_write = 0.0
            keep_notes()

    assert run_together(8, note) == [None] * 8
    usage._notes.next_write = 0.0
    keep_notes()

    assert kept() == [(token.pk, TODAY, 1600, 1600)]


def test_token_that_is_gone_takes_its_counts_along() -> None:
    token, _plain = make_token()
    add_usage({(token.pk, TODAY): Counts(requests=1), (token.pk + 1, TODAY): Counts(requests=1)})

    assert kept() == [(token.pk, TODAY, 1, 0)]


# The database goes away


def test_notes_wait_while_the_database_cannot_be_reached(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _plain = make_token()
    note_request(token, at=AT)

    def fail() -> None:
        raise OperationalError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "ensure_connection", fail)
        keep_notes()
    # Not at each request: a connection that cannot be had costs seconds.
    keep_notes()
    assert kept() == []
    clock.seconds += WRITE_EVERY
    keep_notes()

    assert kept() == [(token.pk, TODAY, 1, 0)]
    token.refresh_from_db()
    assert token.last_used_at == AT


def test_notes_that_may_have_been_counted_are_not_sent_again(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks after the statement went out: nobody can tell whether it was committed."""
    token, plain = make_token()

    def add_and_fail(counts: Any) -> None:
        add_usage(counts)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(usage, "add_usage", add_and_fail)
        assert get(plain) == 200
    clock.seconds += WRITE_EVERY
    keep_notes()

    assert kept() == [(token.pk, TODAY, 1, 0)]


@pytest.mark.django_db(transaction=True)
def test_writing_gives_its_connection_back() -> None:
    token, _plain = make_token()
    note_request(token, at=AT)
    connection.close()

    request_finished.send(sender=None)

    assert connection.connection is None
    token.refresh_from_db()
    assert token.last_used_at == AT


# Last use


def test_last_use_is_kept_at_most_once_a_minute(now: Any, clock: Clock) -> None:
    token, plain = make_token()
    get(plain)
    last_uses = []

    for seconds in (59, 1):
        now.shift(seconds)
        clock.seconds += seconds + WRITE_EVERY
        get(plain)
        token.refresh_from_db()
        last_uses.append(token.last_used_at)

    assert last_uses == [AT, AT + timedelta(seconds=60)]


def test_last_use_is_kept_by_one_of_many() -> None:
    token, _plain = make_token()

    kept_now = [note_token_use(token_id=token.pk, at=AT + timedelta(seconds=second)) for second in (0, 1, 59, 60)]

    assert kept_now == [True, False, False, True]


def test_last_use_lost_with_the_database_does_not_fail_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_kwargs: Any) -> None:
        raise OperationalError("gone")

    _token, plain = make_token()
    monkeypatch.setattr(usage, "note_token_use", fail)

    assert get(plain) == 200
    assert is_use_due(ApiToken.objects.get(), at=AT)
    assert [row[2] for row in kept()] == [1]


# What staff see


def test_usage_has_an_entry_for_each_day() -> None:
    token, _plain = make_token()
    for days_ago, requests in ((0, 5), (29, 7), (30, 9)):
        add_usage({(token.pk, TODAY - timedelta(days=days_ago)): Counts(requests=requests, refused=1)})

    found = usage_of(token.pk, until=TODAY)

    assert len(found) == 30
    assert found[0] == UsageDay(TODAY - timedelta(days=29), 7, 1)
    assert found[-1] == UsageDay(TODAY, 5, 1)
    assert {day.requests for day in found[1:-1]} == {0}
