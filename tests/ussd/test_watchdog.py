"""Database work that outlives its time is ended by force, and nobody else's is touched."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection

from tests.ussd.outages import silent_server
from ussd import connecting, watchdog
from ussd.connecting import connecting_ends, end_rest
from ussd.watchdog import database_work_ends

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _clean_connection() -> Iterator[None]:
    yield
    connection.close()
    end_rest()


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_statement_that_is_too_slow_is_rolled_back_and_the_connection_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # A cancel after one second, a cut long after it.
    monkeypatch.setattr(watchdog, "FOR_ROLLBACK", 25)
    run("SELECT 1")
    raw = connection.connection
    started = time.monotonic()

    with (
        pytest.raises(OperationalError, match="canceling statement due to user request"),
        database_work_ends(within=26),
    ):
        run("SELECT pg_sleep(60)")

    assert time.monotonic() - started < 26
    run("SELECT 1")
    assert connection.connection is raw


def test_connection_that_does_not_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    # A cancel that never arrives, as from a server that is stopped.
    monkeypatch.setattr(psycopg.Connection, "cancel_safe", lambda _self, **_kwargs: time.sleep(0.2))
    started = time.monotonic()

    with pytest.raises(OperationalError), database_work_ends(within=1):
        run("SELECT pg_sleep(60)")

    assert 0.9 < time.monotonic() - started < 30
    assert connection.connection.closed


def test_work_that_is_over_is_left_alone() -> None:
    run("SELECT 1")

    with database_work_ends(within=2):
        run("SELECT 1")

    run("SELECT pg_sleep(2.5)")


def test_alarms_of_others_ring_on_time() -> None:
    """An alarm that is far off was there first, and those after it are not in the order of their times."""
    finished: list[float] = []

    def work(within: float) -> None:
        started = time.monotonic()
        try:
            with database_work_ends(within=within):
                run("SELECT pg_sleep(100)")
        except OperationalError:
            finished.append(time.monotonic() - started - within)
        finally:
            connection.close()

    with database_work_ends(within=100):
        threads = [threading.Thread(target=work, args=(within,)) for within in (1.2, 1.4, 1.0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(finished) == 3
    assert all(-watchdog.FOR_ROLLBACK < late < 60 for late in finished), finished


def test_waiting_for_a_connection_ends() -> None:
    connection.close()
    go_on, given_back = threading.Event(), threading.Event()

    class Late:
        def close(self) -> None:
            given_back.set()

    def ask(_parameters: object) -> Late:
        assert go_on.wait(60)
        return Late()

    wrapper = type("Wrapper", (), {"get_new_connection": staticmethod(ask)})()
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(connecting, "FOR_A_CONNECTION", 0.2)
    monkeypatch.setattr(connecting, "REST_AFTER_FAILURE", 60)
    try:
        with connecting_ends(wrapper):
            with pytest.raises(psycopg.OperationalError, match=r"no connection after 0\.2 seconds"):
                wrapper.get_new_connection({})
            with pytest.raises(psycopg.OperationalError, match="away a moment ago"):
                wrapper.get_new_connection({})
    finally:
        monkeypatch.undo()
    # The connection that comes too late goes back.
    go_on.set()
    assert given_back.wait(60)
    assert wrapper.get_new_connection is ask


def test_server_that_never_answers_costs_two_seconds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    with silent_server() as port, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", str(port))
        # However slowly the tries follow each other.
        patch.setattr(connecting, "REST_AFTER_FAILURE", 60)
        started = time.monotonic()
        for _try in range(10):
            with pytest.raises(OperationalError), database_work_ends(within=5):
                run("SELECT 1")
        assert time.monotonic() - started < 10 * connecting.FOR_A_CONNECTION
