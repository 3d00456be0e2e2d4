"""Gets a database connection in bounded time, whatever the pool and the server do.

The pool tries a connection before it hands it out, and a server that is stopped keeps that trial waiting for ever,
where no time-out of the pool or of libpq reaches it. So a helper thread does the waiting; a connection that comes too
late goes back. After a failure nobody waits again for a moment: during an outage every turn is answered at once.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

# Seconds. The pool's own time-out is 2; this one is for what it does not cover.
FOR_A_CONNECTION = 2.2
# Seconds after a failure in which no connection is asked for.
REST_AFTER_FAILURE = 1.0

_NAME = "get_new_connection"
_rest_until = 0.0


@contextmanager
def connecting_ends(wrapper: Any) -> Iterator[None]:
    """Inside, `wrapper` (Django's, of this thread) connects within FOR_A_CONNECTION or raises OperationalError."""
    if _NAME in vars(wrapper):
        # Bounded already by a block around this one.
        yield
        return
    ask = wrapper.get_new_connection
    # On the instance, so that only this thread's connection is affected.
    setattr(wrapper, _NAME, lambda parameters: _connect(lambda: ask(parameters)))
    try:
        yield
    finally:
        delattr(wrapper, _NAME)


def end_rest() -> None:
    """Ask for connections again at once. For tests, whose outages end when they say so."""
    global _rest_until
    _rest_until = 0.0


def _connect(ask: Callable[[], Any]) -> Any:
    global _rest_until
    if time.monotonic() < _rest_until:
        raise psycopg.OperationalError("the database was away a moment ago")
    try:
        return _Handover(ask).take(timeout=FOR_A_CONNECTION)
    except psycopg.Error:
        _rest_until = time.monotonic() + REST_AFTER_FAILURE
        raise


class _Handover:
    """A connection on its way from the helper thread to whoever waits for it."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._abandoned = False
        self._connection: Any = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="ussd-connecting", daemon=True).start()

    def take(self, *, timeout: float) -> Any:
        """The connection, or the error that came instead. Raises OperationalError when neither came in time."""
        self._done.wait(timeout)
        with self._lock:
            if not self._done.is_set():
                self._abandoned = True
                raise psycopg.OperationalError(f"no connection after {timeout} seconds")
        if self._error is not None:
            raise self._error
        return self._connection

    def _run(self) -> None:
        try:
            self._connection = self._ask()
        except BaseException as error:  # handed over, whatever it is
            self._error = error
        with self._lock:
            self._done.set()
            if self._abandoned and self._connection is not None:
                _give_back(self._connection)


def _give_back(connection: Any) -> None:
    pool = getattr(connection, "_pool", None)
    if pool is None:
        connection.close()
    else:
        pool.putconn(connection)
