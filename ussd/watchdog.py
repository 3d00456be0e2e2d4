"""Ends database work that outlives its turn, from a thread of its own.

A statement can wait for a lock, for a server that is stopped or for a network that swallows packets, and no time-out of
the database helps in all three. So first the statement is cancelled, which rolls it back cleanly; if that does not
help either, the socket is shut under it.
"""

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import connections

from ussd.connecting import connecting_ends

# Seconds a cancelled statement gets to roll back before its socket is shut.
FOR_ROLLBACK = 0.7

logger = structlog.get_logger(__name__)


class _Watch:
    """One piece of work being watched. The lock keeps an alarm from hitting whoever has the connection next."""

    def __init__(self, wrapper: Any) -> None:
        self.wrapper = wrapper
        self.lock = threading.Lock()
        self.over = False

    def cancel(self) -> None:
        """Ask the server to give up the statement."""
        self._act("ussd_statement_cancelled", lambda raw: raw.cancel_safe(timeout=FOR_ROLLBACK / 2))

    def cut(self) -> None:
        """Shut the socket; whoever waits on it gets an OperationalError now."""
        self._act("ussd_connection_cut", _shut_socket)

    def _act(self, event: str, do: Callable[[Any], None]) -> None:
        with self.lock:
            raw = self.wrapper.connection
            if self.over or raw is None:
                return
            logger.warning(event)
            try:
                do(raw)
            except (psycopg.Error, OSError) as error:
                # A cancel that cannot get through: the cut comes next.
                logger.warning("ussd_watchdog_failed", step=event, error=str(error))


@contextmanager
def database_work_ends(*, within: float) -> Iterator[None]:
    """Whatever this thread does on the default connection inside is over after `within` seconds, if need be by force.

    No connection in time, a cancelled statement and a cut connection all raise django.db.OperationalError in it.
    """
    wrapper = connections["default"]
    watch = _Watch(wrapper)
    now = time.monotonic()
    alarms = [
        _scheduler.add(now + max(within - FOR_ROLLBACK, 0.1), watch.cancel),
        _scheduler.add(now + max(within, 0.2), watch.cut),
    ]
    try:
        with connecting_ends(wrapper):
            yield
    finally:
        for alarm in alarms:
            _scheduler.drop(alarm)
        with watch.lock:
            watch.over = True


class _Scheduler:
    """Rings alarms at their time. One thread per process, started with the first alarm."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int]] = []
        self._calls: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def add(self, when: float, call: Callable[[], None]) -> int:
        """Ring at `when` (monotonic), unless dropped before."""
        with self._changed:
            number = next(self._numbers)
            self._calls[number] = call
            heapq.heappush(self._waiting, (when, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ussd-watchdog", daemon=True)
                self._thread.start()
            elif self._waiting[0][1] == number:
                self._changed.notify()
        return number

    def drop(self, number: int) -> None:
        """Do not ring. Its place in the queue is passed over when its time comes."""
        with self._changed:
            self._calls.pop(number, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._waiting and self._waiting[0][1] not in self._calls:
                    heapq.heappop(self._waiting)
                if not self._waiting:
                    self._changed.wait()
                    continue
                when, number = self._waiting[0]
                wait = when - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                heapq.heappop(self._waiting)
                call = self._calls.pop(number)
            # Cancelling may take a moment; alarms after it must not wait for that.
            threading.Thread(target=call, name="ussd-alarm", daemon=True).start()


def _shut_socket(raw: Any) -> None:
    duplicate = socket.socket(fileno=os.dup(raw.pgconn.socket))
    try:
        duplicate.shutdown(socket.SHUT_RDWR)
    finally:
        duplicate.close()


_scheduler = _Scheduler()


def _start_afresh_in_child() -> None:
    global _scheduler
    # Threads do not survive a fork.
    _scheduler = _Scheduler()


os.register_at_fork(after_in_child=_start_afresh_in_child)
