"""Fixtures of the configuration tests."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.configuration.categories import Shop, registered

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop() -> Iterator[type[Shop]]:
    """The test category, registered."""
    with registered(Shop):
        yield Shop


@pytest.fixture
def noon() -> datetime:
    return NOON
