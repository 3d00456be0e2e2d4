"""A page of a firewall says nothing about a payout: it waits, a person hears, the customer does not."""

from datetime import datetime

import pytest

from disbursements.statuses import ErrorClass
from ledger.models import Account
from tests.disbursements.conftest import Line, RememberingOwner, assert_invariants, request_payout
from tests.disbursements.fake_provider import FIREWALL, LOSE_REQUEST, World, turn_away

pytestmark = pytest.mark.django_db


def test_blocked_payouts_wait_without_using_up_tries(
    budget: Account, now: datetime, owner: RememberingOwner, world: World
) -> None:
    lines = [Line(request_payout(budget, now, key=f"payout-{number}"), now) for number in range(8)]
    world.sends = [FIREWALL] * 8
    for line in lines:
        line.go()
    assert {line.row.status for line in lines} == {"queued"}
    assert {line.row.wait_reason for line in lines} == {"provider_paused"}
    # The breaker has kept the last ones from the wall; the first ones have each told of it.
    assert [line.row.alarm for line in lines] == ["configuration"] * 5 + [""] * 3

    world.sends = []
    for line in lines:
        line.wait(minutes=5)
        while line.row.status != "completed":
            line.go()

    assert owner.heard == ["paid"] * 8
    assert {(line.row.tries, len(line.attempts)) for line in lines} == {(0, 1)}
    assert len(world.paid()) == 8
    assert_invariants()


def test_blocked_after_a_lost_answer_is_asked_about_and_sent_again(line: Line, world: World) -> None:
    world.sends = [LOSE_REQUEST, FIREWALL]
    while line.row.status != "completed":
        line.go()

    assert (line.attempt.sends, len(line.attempts), len(world.paid())) == (3, 1, 1)


def test_provider_that_names_a_reason_still_refuses(line: Line, world: World, owner: RememberingOwner) -> None:
    world.sends = [turn_away(ErrorClass.CONFIGURATION, "NOT_ALLOWED")]
    line.go()

    assert (line.row.status, owner.heard) == ("failed", ["failed"])
