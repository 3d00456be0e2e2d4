"""One house for all tests of a module: they have their own customers and codes, and leave every road open."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import DjangoDbBlocker

from configuration.snapshot import forget_snapshot
from tests.crash.payouts import assert_invariants
from tests.outages.house import House
from tests.outages.lending import MiddleServer, furnish_lending
from tests.support.fast_flush import empty_tables, keep_rows


def start_afresh() -> None:
    """No rows, no keys, nothing known of either."""
    empty_tables()
    forget_snapshot()
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000):
        client.delete(key)


@pytest.fixture(scope="module")
def built_house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with keep_rows(), django_db_blocker.unblock():
        start_afresh()
        try:
            with House() as house:
                yield house
        finally:
            start_afresh()
            connection.close()


@pytest.fixture(scope="module")
def partner(built_house: House) -> MiddleServer:
    """Who asks for loans over HTTP."""
    return furnish_lending(built_house, at=timezone.now())


@pytest.fixture
def clean_redis() -> None:
    """Takes the place of the one for all tests: queues and sessions of running processes are not swept away."""


@pytest.fixture
def house(built_house: House) -> Iterator[House]:
    yield built_house
    built_house.recover()
    assert_invariants()
