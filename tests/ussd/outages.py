"""Outages for tests: servers that are gone, and servers that take the connection and never say a word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from tests.support.ports import closed_port as closed_port
from ussd.connecting import end_rest


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that accepts and never answers, as a stopped server or a swallowing network does."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=30)
            for one in kept:
                one.close()


def move_redis(pytest_settings: "pytest_django.fixtures.SettingsWrapper", port: int) -> None:  # noqa: F821
    """From now on the sessions are looked for at this port."""
    caches = {alias: dict(values) for alias, values in settings.CACHES.items()}
    caches["sessions"]["LOCATION"] = f"redis://127.0.0.1:{port}"
    pytest_settings.CACHES = caches


@contextmanager
def database_at(monkeypatch: pytest.MonkeyPatch, port: int) -> Iterator[None]:
    """PostgreSQL is looked for at this port, by this thread."""
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", str(port))
        patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        yield
        connection.close()
    end_rest()
