"""Every task run twice does its work once."""

import pytest

from disbursements import tasks
from disbursements.models import ProviderBalance
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import World
from tests.disbursements.test_callbacks import call_back

pytestmark = pytest.mark.django_db


def test_advance_twice(line: Line, world: World) -> None:
    assert tasks.advance(disbursement_id=str(line.id)) == "sent"
    assert tasks.advance(disbursement_id=str(line.id)) == "not_ours"
    assert (world.calls, len(line.attempts)) == (["send"], 1)


def test_advance_of_nothing(world: World) -> None:
    assert tasks.advance(disbursement_id="6f1f3a94-1111-4111-8111-111111111111") == "not_ours"
    assert world.calls == []


def test_process_callback_twice(line: Line, world: World, owner: RememberingOwner) -> None:
    line.go()
    callback = call_back(line)

    assert tasks.process_callback(callback_id=callback.pk) == "settled"
    assert tasks.process_callback(callback_id=callback.pk) == "settled"
    assert (owner.heard, world.calls) == (["paid"], ["send", "ask"])


def test_sweep_due_twice(line: Line) -> None:
    assert (tasks.sweep_due(), tasks.sweep_due()) == (1, 0)


def test_sweep_callbacks_twice(line: Line) -> None:
    line.go()
    line.wait(seconds=-60)
    call_back(line)

    assert (tasks.sweep_callbacks(), tasks.sweep_callbacks()) == (1, 1)


def test_check_balances_twice(world: World) -> None:
    assert (tasks.check_balances(), tasks.check_balances()) == (2, 2)
    assert sorted(ProviderBalance.objects.values_list("provider", flat=True)) == ["mtn_momo", "mtn_momo_ng"]


def test_report_stuck_twice(line: Line) -> None:
    assert (tasks.report_stuck(), tasks.report_stuck()) == (0, 0)
