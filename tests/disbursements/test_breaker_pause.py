"""Repeated silence pauses sending, never asking."""

from collections.abc import Callable

import pytest

from disbursements import breaker
from disbursements.services.advance import Progress
from disbursements.statuses import ErrorClass
from ledger.models import Account
from tests.disbursements.conftest import Line, request_payout
from tests.disbursements.fake_provider import ACCEPT, LOSE_REQUEST, World, turn_away

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_failures_pause(configure: Callable[..., object]) -> None:
    configure(breaker_failures=2, breaker_open_seconds=3600)


def fail_sends(world: World, budget: Account, line: Line, script: object) -> None:
    world.sends = [script, script]
    for number in range(2):
        Line(request_payout(budget, line.at, key=f"before-{number}"), line.at).go()


def test_pause_holds_new_payouts_and_uses_up_nothing(line: Line, world: World, budget: Account) -> None:
    fail_sends(world, budget, line, LOSE_REQUEST)

    assert line.go() == Progress.HELD

    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "provider_paused", 0)
    assert line.attempts == []
    assert (line.row.next_action_at - line.at).total_seconds() == 3600


def test_refused_set_up_pauses_too(line: Line, world: World, budget: Account) -> None:
    fail_sends(world, budget, line, turn_away(ErrorClass.CONFIGURATION))

    assert line.go() == Progress.HELD


def test_refusals_about_the_payee_do_not_pause(line: Line, world: World, budget: Account) -> None:
    fail_sends(world, budget, line, turn_away(ErrorClass.PERMANENT))

    assert line.go() == Progress.SENT


def test_asking_goes_on_during_a_pause(line: Line, world: World, budget: Account) -> None:
    line.go()
    fail_sends(world, budget, line, LOSE_REQUEST)

    assert line.go() == Progress.ASKED
    assert line.row.status == "completed"


def test_sending_the_same_again_waits_too_and_stays_with_the_provider(
    line: Line, world: World, budget: Account
) -> None:
    world.sends = [LOSE_REQUEST]
    line.go()
    fail_sends(world, budget, line, LOSE_REQUEST)
    line.wait(minutes=5)

    assert line.go() == Progress.HELD
    assert (line.row.status, line.row.wait_reason, line.attempt.sends) == ("processing", "provider_paused", 1)

    breaker.record_success("mtn_momo")
    world.sends = [ACCEPT]
    line.go()
    line.go()
    assert (line.row.status, len(line.attempts)) == ("completed", 1)
