"""Fixtures every test may use."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django_redis import get_redis_connection

from tests.support import fast_flush
from tests.support.configuration import _forget_configuration  # noqa: F401
from tests.support.no_http_in_transaction import _no_http_in_transaction  # noqa: F401

fast_flush.install()


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
