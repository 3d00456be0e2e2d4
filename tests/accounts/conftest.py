"""What tests of people and tokens share."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accounts import token_text
from accounts.remembered_tokens import remembered_tokens

AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Each test is a process that has just started."""
    remembered_tokens.forget()
    yield
    remembered_tokens.forget()


@pytest.fixture(autouse=True)
def quick_bcrypt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that are not about the cost of bcrypt do not pay it."""
    if "real_bcrypt" not in request.fixturenames:
        monkeypatch.setattr(token_text, "BCRYPT_ROUNDS", 4)


@pytest.fixture
def real_bcrypt() -> None:
    """As in production."""
