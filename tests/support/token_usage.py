"""Uses of tokens that a process has noted and not written: forgotten between tests, as each test's database forgets."""

from collections.abc import Iterator

import pytest

from accounts.api.usage import forget_notes


@pytest.fixture(autouse=True)
def _forget_token_usage() -> Iterator[None]:
    """Each test is a process that writes what it notes at the first request."""
    forget_notes()
    yield
    forget_notes()
