"""A guard that fails a test in which outbound HTTP happens while a database transaction is open.

A slow provider would hold row locks, and a rollback could not take the call back (architecture section 3).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from django.db import connections


class HttpInTransaction(AssertionError):
    """Code spoke to the outside while it held a transaction open."""


@contextmanager
def forbid_http_in_transaction() -> Iterator[list[str]]:
    """Every `requests` call inside, from any thread, is refused while its thread has a transaction open.

    The calls refused are in the list, and fail at the end even if the code swallowed the error. The test itself
    must not run inside a transaction of the test framework: use it with `django_db(transaction=True)`.
    """
    refused: list[str] = []
    refused_lock = threading.Lock()
    send = requests.Session.send

    def guarded(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        # `connections` is per thread, so this asks about the thread that calls.
        open_in = [alias for alias in connections if connections[alias].in_atomic_block]
        if open_in:
            words = f"{request.method} {request.url} inside a transaction on {', '.join(open_in)}"
            with refused_lock:
                refused.append(words)
            raise HttpInTransaction(words)
        return send(session, request, **options)

    requests.Session.send = guarded  # type: ignore[method-assign]
    try:
        yield refused
    finally:
        requests.Session.send = send  # type: ignore[method-assign]
    if refused:
        raise HttpInTransaction("; ".join(refused))


@pytest.fixture(autouse=True)
def _no_http_in_transaction(request: pytest.FixtureRequest) -> Iterator[None]:
    """In force in every test on a database without the framework's own transaction around it."""
    marker = request.node.get_closest_marker("django_db")
    without_wrapper = marker is not None and (marker.kwargs.get("transaction") or (marker.args and marker.args[0]))
    if without_wrapper or "transactional_db" in request.fixturenames:
        with forbid_http_in_transaction():
            yield
    else:
        yield
