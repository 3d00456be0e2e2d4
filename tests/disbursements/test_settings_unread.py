"""A worker that started while PostgreSQL was away: it knows only defaults, and touches no payout until it has read."""

from collections.abc import Iterator

import pytest

from configuration import snapshot
from configuration.snapshot import expire_snapshot, forget_snapshot
from disbursements.models import ProviderCallback
from disbursements.services.advance import Progress
from tests.disbursements.conftest import Line
from tests.disbursements.fake_provider import World
from tests.disbursements.test_callbacks import call_back, process

pytestmark = pytest.mark.django_db


@pytest.fixture
def settings_unread(line: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The first look at the settings fails; the database is back a moment later."""

    def fail() -> None:
        raise RuntimeError("pool timed out")

    forget_snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_read_rows", fail)
        yield patch


def test_payout_is_left_as_it_is_until_the_settings_are_read(
    line: Line, world: World, settings_unread: pytest.MonkeyPatch
) -> None:
    before = line.row

    assert line.go() == Progress.HELD

    assert (world.calls, line.attempts) == ([], [])
    assert (line.row.status, line.row.next_action_at, line.row.alarm) == ("queued", before.next_action_at, "")
    settings_unread.undo()
    expire_snapshot()
    assert line.go() == Progress.SENT


def test_callback_waits_until_the_settings_are_read(line: Line, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    line.go()
    callback = call_back(line)
    forget_snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_read_rows", lambda: 1 / 0)
        assert process(callback, line) == ""

    assert ProviderCallback.objects.get().processed_at is None
    expire_snapshot()
    assert process(callback, line) == "settled"
