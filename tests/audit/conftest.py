"""What audit tests share."""

from collections.abc import Iterator

import pytest

from audit import registry


@pytest.fixture(autouse=True)
def test_actions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Actions of these tests, forgotten afterwards."""
    monkeypatch.setattr(registry, "_actions", dict(registry._actions))
    registry.register_actions({"test.done": "A test did something", "test.other.done": "A test did another thing"})
    yield
