"""Settings in tests: forgotten between tests, as each test's database forgets."""

from collections.abc import Iterator

import pytest

from configuration.snapshot import forget_snapshot


@pytest.fixture(autouse=True)
def _forget_configuration() -> Iterator[None]:
    """No test reads what another test's rolled-back transaction had changed."""
    forget_snapshot()
    yield
    forget_snapshot()
