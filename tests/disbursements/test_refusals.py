"""What follows when the provider's status says FAILED, by the class of the reason."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from disbursements.models import ProviderBalance
from disbursements.services.advance import Progress
from disbursements.services.floats import check_provider_balances
from disbursements.statuses import ErrorClass
from ledger.models import Account
from ledger.selectors import balance_of
from tests.disbursements.conftest import Line, RememberingOwner, request_payout
from tests.disbursements.fake_provider import World, refused, turn_away

pytestmark = pytest.mark.django_db

SHORT = refused(ErrorClass.FLOAT, "NOT_ENOUGH_FUNDS")


def test_temporary_refusal_is_tried_again_under_a_new_reference(line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY, "EXPIRED")]
    line.go()
    line.go()
    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "retry", 1)
    assert (line.row.next_action_at, line.row.error_code) == (line.at + timedelta(seconds=60), "EXPIRED")

    line.go()
    line.go()

    assert [attempt.status for attempt in line.attempts] == ["refused", "succeeded"]
    assert len({attempt.pk for attempt in line.attempts}) == 2
    assert (line.row.status, line.events, len(world.paid())) == ("completed", ["attempt_refused", "paid"], 1)


def test_temporary_refusals_fail_after_the_last_try(
    line: Line, world: World, owner: RememberingOwner, budget: Account
) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY)] * 9

    while line.row.status != "failed":
        line.go()

    assert [attempt.status for attempt in line.attempts] == ["refused"] * 4
    assert (line.row.tries, owner.heard) == (4, ["failed"])
    assert (balance_of(budget), world.paid()) == (0, [])


def test_retries_follow_the_settings_of_the_purpose(line: Line, world: World, configure: Callable[..., object]) -> None:
    configure(max_retries=5, retry_delays_seconds={"promo": (7, 9)})
    world.next_fates = [refused(ErrorClass.TEMPORARY)] * 6
    pauses = []
    while line.row.status != "failed":
        line.go()
        line.go()
        if line.row.next_action_at:
            pauses.append((line.row.next_action_at - line.at).total_seconds())

    assert pauses == [7, 9, 9, 9, 9]


@pytest.mark.parametrize("error_class", [ErrorClass.PERMANENT, ErrorClass.CONFIGURATION])
def test_permanent_refusal_fails_at_once(
    line: Line, world: World, owner: RememberingOwner, error_class: ErrorClass
) -> None:
    world.next_fates = [refused(error_class, "PAYEE_NOT_FOUND")]
    line.go()
    line.go()

    assert (line.row.status, line.row.error_class, line.row.error_code) == ("failed", error_class, "PAYEE_NOT_FOUND")
    assert ([attempt.status for attempt in line.attempts], owner.heard) == (["refused"], ["failed"])
    assert line.row.alarm == ("configuration" if error_class == ErrorClass.CONFIGURATION else "")


def test_unclassified_refusal_counts_as_one_that_may_pass(line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY).__class__(refused(ErrorClass.TEMPORARY).answer, code="NEW_WORD")]
    line.go()
    line.go()

    assert (line.row.status, line.row.error_class, line.row.error_code) == ("queued", "temporary", "NEW_WORD")


def test_short_float_waits_without_using_up_tries(line: Line, world: World) -> None:
    world.next_fates, world.balance = [SHORT], Decimal(4999)
    line.go()
    line.go()

    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "float_short", 0)
    balance = ProviderBalance.objects.get()
    assert (balance.available, balance.short_since) == (Decimal(4999), line.at)

    calls = len(world.calls)
    assert line.go() == Progress.HELD
    assert line.go() == Progress.HELD
    assert world.calls[calls:] == ["balance", "balance"]
    assert (line.row.tries, len(line.attempts)) == (0, 1)


def test_known_short_float_holds_other_payouts_before_they_use_up_a_reference(
    line: Line, world: World, budget: Account
) -> None:
    world.next_fates, world.balance = [SHORT], Decimal(4999)
    line.go()
    line.go()
    large = Line(request_payout(budget, line.at, key="large", amount=Decimal(6000)), line.at)
    small = Line(request_payout(budget, line.at, key="small", amount=Decimal(4000)), line.at)

    assert large.go() == Progress.HELD
    assert (large.row.wait_reason, large.attempts) == ("float_short", [])
    assert small.go() == Progress.SENT


def test_topped_up_float_wakes_who_waited(line: Line, world: World, owner: RememberingOwner) -> None:
    world.next_fates, world.balance = [SHORT], Decimal(4999)
    line.go()
    line.go()
    world.balance = Decimal(5000)
    line.wait(seconds=1)

    assert check_provider_balances(at=line.at) == 2  # one for each account

    assert line.row.next_action_at == line.at
    assert ProviderBalance.objects.get(provider="mtn_momo").short_since is None
    line.go()
    line.go()
    assert (line.row.status, [attempt.status for attempt in line.attempts]) == ("completed", ["refused", "succeeded"])
    assert owner.heard == ["paid"]


def test_not_enough_funds_with_a_full_float_is_the_payees_own_limit(line: Line, world: World) -> None:
    world.next_fates, world.balance = [SHORT], Decimal(5000)
    line.go()
    line.go()

    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "retry", 1)
    assert ProviderBalance.objects.get().short_since is None


def test_not_enough_funds_and_no_word_about_the_float_decides_nothing(line: Line, world: World) -> None:
    world.next_fates, world.balance = [SHORT], None
    line.go()
    line.go()
    assert (line.row.status, line.row.tries, line.attempt.status) == ("processing", 0, "accepted")
    assert line.events == []

    world.balance = Decimal(10)
    line.go()

    assert (line.row.wait_reason, line.attempt.status, line.row.tries) == ("float_short", "refused", 0)


def test_not_enough_funds_at_the_door_waits_and_keeps_the_reference(line: Line, world: World) -> None:
    world.sends, world.balance = [turn_away(ErrorClass.FLOAT, "NOT_ENOUGH_FUNDS")], Decimal(10)
    line.go()
    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "float_short", 0)

    assert line.go() == Progress.HELD
    assert (line.row.status, line.row.wait_reason) == ("processing", "float_short")
    world.balance = Decimal(5000)
    check_provider_balances(at=line.at)
    line.go()
    line.go()

    assert (line.row.status, len(line.attempts), line.attempt.sends) == ("completed", 1, 2)


def test_unanswered_balance_check_changes_nothing(world: World) -> None:
    world.balance = None

    assert check_provider_balances(at=None) == 0  # type: ignore[arg-type]
    assert ProviderBalance.objects.count() == 0
