"""From a queued payout to a paid one, through every answer a send may get."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from disbursements.services.advance import Progress
from disbursements.statuses import ErrorClass
from ledger.models import Account
from ledger.selectors import balance_of
from ledger.services import open_float_account, open_in_flight_account
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import (
    ACCEPT,
    LOSE_ANSWER,
    LOSE_REQUEST,
    NOT_SENT,
    PENDING,
    World,
    turn_away,
)

pytestmark = pytest.mark.django_db


def test_accepted_and_paid(line: Line, world: World, owner: RememberingOwner, budget: Account) -> None:
    assert line.go() == Progress.SENT
    assert (line.row.status, line.attempt.status, line.attempt.sends) == ("processing", "accepted", 1)
    assert line.row.claimed_until is None

    assert line.go() == Progress.ASKED

    assert (line.row.status, line.row.disbursed_at, line.row.next_action_at) == ("completed", line.at, None)
    assert line.row.provider_transaction_id == f"T-{line.attempt.pk}"
    assert line.attempt.status == "succeeded"
    assert (owner.heard, line.events) == (["paid"], ["paid"])
    assert balance_of(budget) == Decimal(5000)
    assert balance_of(open_in_flight_account(currency="RWF")) == 0
    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(-5000)
    assert len(world.paid()) == 1


def test_what_is_sent_names_the_payout(line: Line, world: World) -> None:
    line.go()

    transfer = next(iter(world.book.values()))
    assert (transfer.reference, transfer.external_id) == (line.attempt.pk, f"{line.id}-1")
    assert (transfer.payee, transfer.amount, transfer.currency) == ("+250788123456", Decimal(5000), "RWF")
    assert (line.attempt.base_url, line.attempt.environment) == (line.row.base_url, "mtnrwanda")


def test_not_due_is_left_alone(line: Line, world: World) -> None:
    line.go()
    line.at -= timedelta(seconds=1)

    assert line.row.next_action_at > line.at
    from disbursements.services.advance import advance_disbursement

    assert advance_disbursement(disbursement_id=line.id, at=line.at) == Progress.NOT_OURS
    assert world.calls == ["send"]


def test_settled_is_left_alone(line: Line, world: World) -> None:
    line.go()
    line.go()
    line.wait(days=1)

    assert line.go() == Progress.NOT_OURS
    assert world.calls == ["send", "ask"]


def test_pending_is_asked_less_and_less_often(line: Line, world: World) -> None:
    world.asks = [PENDING] * 9
    line.go()
    pauses = []
    for _ in range(9):
        pauses.append((line.row.next_action_at - line.at).total_seconds())
        line.go()

    assert pauses == [2, 5, 15, 30, 60, 300, 900, 3600, 3600]
    assert (line.attempt.polls, line.row.status) == (9, "processing")


def test_lost_answer_is_asked_about_and_never_sent_under_another_reference(line: Line, world: World) -> None:
    world.sends = [LOSE_ANSWER]
    line.go()
    assert (line.attempt.status, line.attempt.error_code) == ("unknown", "READ_TIMEOUT")

    line.go()

    assert (line.row.status, len(line.attempts), len(world.paid())) == ("completed", 1, 1)
    assert world.calls == ["send", "ask"]


def test_lost_request_is_sent_again_under_the_same_reference_after_a_pause(line: Line, world: World) -> None:
    world.sends = [LOSE_REQUEST]
    line.go()
    first_sent_at = line.attempt.sent_at

    while line.row.status == "processing":
        line.go()

    assert world.calls == ["send", "ask", "ask", "ask", "ask", "send", "ask"]
    assert (line.row.status, len(line.attempts), line.attempt.sends, len(world.book)) == ("completed", 1, 2, 1)
    assert line.attempt.sent_at >= first_sent_at + timedelta(seconds=30)


def test_repeated_time_outs_never_mint_another_reference(line: Line, world: World) -> None:
    world.sends = [LOSE_REQUEST, LOSE_REQUEST, LOSE_ANSWER]

    while line.row.status != "completed":
        line.go()

    assert (len(line.attempts), line.attempt.sends, len(world.paid())) == (1, 3, 1)


def test_what_never_left_waits_in_the_queue_and_uses_up_no_try(line: Line, world: World) -> None:
    world.sends = [NOT_SENT, ACCEPT]
    line.go()

    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "provider_paused", 0)
    assert (line.attempt.status, line.attempt.sends, line.attempt.is_unsent) == ("created", 0, True)

    line.go()
    line.go()

    assert world.calls == ["send", "send", "ask"]
    assert (line.row.status, len(line.attempts), line.attempt.sends) == ("completed", 1, 1)


def test_wrong_credentials_call_a_person_and_lose_nothing(line: Line, world: World) -> None:
    world.sends = [
        NOT_SENT.__class__(NOT_SENT.answer, is_made=False, error_class=ErrorClass.CONFIGURATION, code="login_failed")
    ]

    line.go()

    assert (line.row.status, line.row.alarm, line.row.error_code) == ("queued", "configuration", "login_failed")
    assert line.events == ["alarm_raised"]


def test_what_never_left_may_go_elsewhere(line: Line, world: World, configure: Callable[..., object]) -> None:
    world.sends = [NOT_SENT]
    line.go()
    configure(momo_base_url="https://new.example.com")

    line.go()
    line.go()

    assert (line.row.status, line.row.base_url) == ("completed", "https://new.example.com")
    assert [key[0] for key in world.book] == ["https://new.example.com"]


@pytest.mark.parametrize("error_class", [ErrorClass.PERMANENT, ErrorClass.CONFIGURATION])
def test_turned_away_for_good_fails_and_gives_the_money_back(
    line: Line, world: World, owner: RememberingOwner, budget: Account, error_class: ErrorClass
) -> None:
    world.sends = [turn_away(error_class, "INVALID_CURRENCY")]

    line.go()

    assert (line.row.status, line.row.error_class, line.row.error_code) == (
        "failed",
        error_class,
        "INVALID_CURRENCY",
    )
    assert (line.row.next_action_at, line.attempt.status, owner.heard) == (None, "turned_away", ["failed"])
    assert balance_of(budget) == 0
    assert line.row.alarm == ("configuration" if error_class == ErrorClass.CONFIGURATION else "")


def test_turned_away_for_now_keeps_its_reference_and_asks_first(line: Line, world: World) -> None:
    world.sends = [turn_away(ErrorClass.TEMPORARY)]
    line.go()
    assert (line.row.status, line.row.wait_reason, line.row.tries) == ("queued", "retry", 1)
    assert line.row.next_action_at == line.at + timedelta(seconds=60)

    line.go()
    line.go()

    assert world.calls == ["send", "ask", "send", "ask"]
    assert (line.row.status, len(line.attempts), line.attempt.sends) == ("completed", 1, 2)


def test_turned_away_for_now_fails_when_tries_are_used_up(line: Line, world: World, owner: RememberingOwner) -> None:
    world.sends = [turn_away(ErrorClass.TEMPORARY)] * 4
    pauses = []
    while line.row.status != "failed":
        before = line.at
        line.go()
        pauses.append((line.at - before).total_seconds())

    # The last pauses are for the last look: an earlier send of the same reference may still be on its way.
    assert (pauses[:4], sum(pauses[4:])) == ([0, 60, 300, 900], 30)
    assert (line.row.tries, len(line.attempts), line.attempt.sends) == (4, 1, 4)
    assert (owner.heard, line.events) == (["failed"], ["attempt_refused"] * 3 + ["failed"])


def test_turned_away_at_a_wrong_place_goes_to_the_right_one_under_the_same_reference(
    line: Line, world: World, configure: Callable[..., object]
) -> None:
    configure(momo_target_environment="mtnrwnda")
    world.sends = [turn_away(ErrorClass.TEMPORARY, "NOT_ALLOWED_TARGET_ENVIRONMENT")]
    line.go()
    reference = line.attempt.pk
    configure(momo_target_environment="mtnrwanda")

    line.go()
    line.go()

    assert (line.row.status, line.attempt.pk, line.attempt.environment) == ("completed", reference, "mtnrwanda")


def test_unknown_is_asked_where_it_was_sent_even_when_settings_moved(
    line: Line, world: World, configure: Callable[..., object]
) -> None:
    world.sends = [LOSE_ANSWER]
    line.go()
    old = line.attempt.base_url
    configure(momo_base_url="https://new.example.com")

    line.go()

    assert (line.row.status, line.attempt.base_url, len(world.book)) == ("completed", old, 1)


def test_unknown_is_sent_again_only_where_it_was_sent(
    line: Line, world: World, configure: Callable[..., object]
) -> None:
    world.sends = [LOSE_REQUEST]
    line.go()
    old = line.attempt.base_url
    configure(momo_base_url="https://new.example.com")

    while line.row.status != "completed":
        line.go()

    assert [key[0] for key in world.book] == [old]


@pytest.mark.parametrize("script", [LOSE_ANSWER, LOSE_REQUEST, ACCEPT])
def test_another_api_user_finds_nothing_and_that_proves_nothing(
    line: Line, world: World, configure: Callable[..., object], script: object
) -> None:
    configure(momo_api_user="first")
    world.sends = [script]
    line.go()
    configure(momo_api_user="second")
    for _ in range(9):
        line.go()

    assert (world.calls.count("send"), line.attempt.api_user, line.row.status) == (1, "first", "processing")
    assert (line.row.alarm, line.attempt.error_code) == ("configuration", "OTHER_API_USER")
    assert "Sent as API user first" in line.attempt.error_message

    configure(momo_api_user="first")
    line.go()
    line.go()

    assert (line.row.status, len(world.paid())) == ("completed", 1)


def test_turned_away_for_certain_may_be_sent_as_another_api_user(
    line: Line, world: World, configure: Callable[..., object]
) -> None:
    configure(momo_api_user="wrong")
    world.sends = [turn_away(ErrorClass.TEMPORARY)]
    line.go()
    configure(momo_api_user="right")

    line.go()
    line.go()

    assert (line.row.status, line.attempt.api_user, line.attempt.sends) == ("completed", "right", 2)


def test_accepted_and_then_unknown_to_the_provider_is_not_sent_again(line: Line, world: World) -> None:
    line.go()
    world.book.clear()
    for _ in range(6):
        line.go()

    assert world.calls == ["send"] + ["ask"] * 6
    assert (line.row.status, line.attempt.status, line.row.alarm) == ("processing", "accepted", "lost")
    assert line.events == ["alarm_raised"]
