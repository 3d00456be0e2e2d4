"""Fixtures every test may use."""

from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection
from pytest_django import DjangoDbBlocker

from tests.support import fast_flush
from tests.support.configuration import _forget_configuration  # noqa: F401
from tests.support.no_http_in_transaction import _no_http_in_transaction  # noqa: F401
from tests.support.token_usage import _forget_token_usage  # noqa: F401

fast_flush.install()


def pytest_configure(config: pytest.Config) -> None:
    """Random examples are the same in every run, whatever the machine is busy with; `--hypothesis-seed=N` or
    `--hypothesis-profile=default` look for others.
    """
    if config.getoption("--hypothesis-profile") is None:
        is_free = config.getoption("--hypothesis-seed") is not None
        slow = [hypothesis.HealthCheck.too_slow]
        hypothesis.settings.register_profile(
            "steady", derandomize=not is_free, database=None, deadline=None, suppress_health_check=slow
        )
        hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As pytest-django's, and at the end nobody holds on to the test database: threads of a worker or a live server
    may have left a connection open, and PostgreSQL would not drop it.
    """
    yield
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        # The browser's event loop gives this moment a connection of its own, which nobody else would close.
        connection.close()


@pytest.fixture(autouse=True)
def clean_redis(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that use the database leave no sessions, counters or tokens to the next one."""
    marked = request.node.get_closest_marker("django_db") is not None
    if not marked and not {"db", "transactional_db"} & set(request.fixturenames):
        yield
        return
    client = get_redis_connection("sessions")
    keys = list(client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000))
    if keys:
        client.delete(*keys)
    yield
