"""A send that is late, or sent twice: what may still arrive is asked about, and never forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from disbursements.models import Attempt
from disbursements.providers.base import Answer, Outcome, Transfer
from disbursements.services import advance, clock
from disbursements.services.advance import Progress, advance_disbursement
from disbursements.services.callbacks import process_callback
from disbursements.services.claims import claim_length
from disbursements.services.resolutions import settle_on_word
from disbursements.services.sweeps import sweep_unprocessed_callbacks
from disbursements.statuses import ErrorClass
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import LOSE_ANSWER, LOSE_REQUEST, NO_ANSWER, World, turn_away
from tests.disbursements.test_callbacks import call_back

pytestmark = pytest.mark.django_db

NOT_FOUND = Outcome(Answer.NOT_FOUND, code="RESOURCE_NOT_FOUND", http_status=404)


def arrive(line: Line, world: World) -> None:
    """A request that had been on its way reaches the provider."""
    row, attempt = line.row, line.attempt
    transfer = Transfer(attempt.pk, attempt.external_id, row.payee, row.amount, row.currency, "", "")
    world.book[attempt.base_url, attempt.environment, attempt.pk] = transfer


def stall_first_send(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """The first worker sleeps before its bytes leave; others work meanwhile."""
    send, stalled = advance.send_attempt, []

    def stall(**arguments: object) -> Outcome:
        if not stalled:
            stalled.append(True)
            meanwhile()
        return send(**arguments)

    monkeypatch.setattr(advance, "send_attempt", stall)


def look(line: Line, **later: float) -> Progress:
    return advance_disbursement(disbursement_id=line.id, at=line.at + timedelta(**later))


def test_turned_away_after_a_lost_answer_is_asked_about_before_it_is_given_up(
    line: Line, world: World, owner: RememberingOwner
) -> None:
    world.sends = [LOSE_REQUEST, turn_away(ErrorClass.PERMANENT, "PAYEE_NOT_FOUND")]
    while line.attempts == [] or line.attempt.sends < 2:
        line.go()
    assert (line.row.status, line.row.wait_reason, owner.heard) == ("processing", "last_look", [])

    arrive(line, world)
    line.go()

    assert (line.row.status, owner.heard, len(world.paid())) == ("completed", ["paid"], 1)


def test_last_look_is_taken_a_pause_after_the_last_send(line: Line, world: World, owner: RememberingOwner) -> None:
    world.sends = [LOSE_REQUEST, turn_away(ErrorClass.CONFIGURATION, "INVALID_CURRENCY")]
    while line.attempts == [] or line.attempt.sends < 2:
        line.go()
    turned_away_at = line.at

    while line.row.status != "failed":
        line.go()

    assert line.at - turned_away_at >= timedelta(seconds=30)
    assert (world.calls.count("send"), owner.heard) == (2, ["failed"])
    assert (line.row.tries, line.row.error_code, line.row.alarm) == (1, "INVALID_CURRENCY", "configuration")


@pytest.mark.parametrize("answer", ["accepted", "lost"])
def test_send_that_gets_through_after_the_payout_was_given_up_calls_a_person(
    line: Line,
    world: World,
    owner: RememberingOwner,
    checker: User,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    def others_give_up() -> None:
        world.sends = [turn_away(ErrorClass.PERMANENT, "PAYEE_NOT_FOUND")]
        look(line, seconds=200)
        look(line, seconds=300)
        world.sends = [LOSE_REQUEST] if answer == "lost" else []

    stall_first_send(monkeypatch, others_give_up)
    line.go()

    assert (line.row.status, line.row.alarm, owner.heard) == ("failed", "overtaken", ["failed"])
    arrive(line, world)
    settle_on_word(disbursement_id=line.id, decided_by=checker, reason="late", at=line.at)
    assert (line.row.status, owner.heard, len(world.paid())) == ("completed", ["failed", "paid"], 1)


def test_answer_to_an_overtaken_send_does_not_disturb_the_later_one(
    line: Line, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second worker's send is turned away for now; the first one's then gets through."""

    def other_is_put_off() -> None:
        world.sends = [turn_away(ErrorClass.TEMPORARY)]
        look(line, seconds=200)

    stall_first_send(monkeypatch, other_is_put_off)
    line.go()
    assert (line.row.status, line.row.wait_reason, line.attempt.status) == ("queued", "retry", "accepted")

    line.go()

    assert (line.row.status, world.calls.count("send"), len(world.paid())) == ("completed", 2, 1)


def test_nothing_sent_by_a_late_worker_is_counted_back_only(
    line: Line, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_sends() -> None:
        world.sends = [LOSE_REQUEST]
        look(line, seconds=200)
        world.sends = [LOSE_REQUEST.__class__(Answer.NOT_ASKED, is_made=False, error_class=ErrorClass.TEMPORARY)]

    stall_first_send(monkeypatch, other_sends)
    line.go()

    assert (line.row.status, line.attempt.status, line.attempt.sends) == ("processing", "unknown", 1)


@pytest.mark.parametrize("hiccup", [NO_ANSWER, NOT_FOUND, Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY)])
def test_callback_about_a_payout_given_up_is_asked_about_until_there_is_a_word(
    line: Line, world: World, hiccup: Outcome
) -> None:
    world.sends = [turn_away(ErrorClass.PERMANENT)]
    line.go()
    arrive(line, world)
    world.asks = [hiccup]
    callback = call_back(line)
    assert process_callback(callback_id=callback.pk, at=line.at) == ""
    assert process_callback(callback_id=callback.pk, at=line.at) == ""
    assert world.calls == ["send", "ask"]

    line.wait(seconds=1)
    assert sweep_unprocessed_callbacks(at=line.at + timedelta(seconds=9)) == 1
    line.wait(seconds=9)
    assert process_callback(callback_id=callback.pk, at=line.at) == "settled"

    assert (line.row.status, line.row.alarm) == ("completed", "paid_after_failure")


def test_callback_nobody_can_confirm_is_closed_after_a_day(line: Line, world: World) -> None:
    world.sends = [turn_away(ErrorClass.PERMANENT)]
    line.go()
    callback = call_back(line)
    asked = 0
    while not callback.processed_at:
        process_callback(callback_id=callback.pk, at=line.at)
        callback.refresh_from_db()
        line.at = callback.look_again_at
        asked += 1
        assert sweep_unprocessed_callbacks(at=line.at - timedelta(seconds=1)) == 0

    assert callback.result == "unanswered"
    assert 20 < asked < 40
    assert Attempt.objects.get().status == "turned_away"


def test_worker_that_read_an_older_state_does_not_send_to_the_old_place(
    line: Line, world: World, configure: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers find a reference turned away; the settings move between their looks; one place must pay."""
    configure(momo_base_url="https://old.example.com")
    world.sends = [turn_away(ErrorClass.TEMPORARY, "PAYER_LIMIT_REACHED")]
    line.go()
    reopen, stalled = advance.reopen_attempt, []

    def stall(**arguments: object) -> Attempt | None:
        if not stalled:
            stalled.append(True)
            configure(momo_base_url="https://new.example.com")
            world.sends = [LOSE_ANSWER]
            look(line, seconds=200)
        return reopen(**arguments)

    monkeypatch.setattr(advance, "reopen_attempt", stall)

    assert line.go() == Progress.NOT_OURS

    assert [place for place, _, _ in world.book] == ["https://new.example.com"]
    line.wait(seconds=300)
    line.go()
    assert (line.row.status, len(world.paid())) == ("completed", 1)


def test_time_spent_on_the_wire_counts(line: Line, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call takes 35 seconds. A claim for a send begins with it, the pause before the next one with its end."""
    passed = [0.0]

    def take_long(name: str) -> None:
        passed[0] += 35
        if name == "send":
            assert line.row.claimed_until == line.at + timedelta(seconds=passed[0] - 35) + claim_length()

    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    world.interrupt, world.sends = take_long, [LOSE_REQUEST]
    line.go()
    ended_at = line.at + timedelta(seconds=35)
    assert (line.attempt.sent_at, line.row.next_action_at) == (ended_at, ended_at + timedelta(seconds=2))

    passed[0] = 0
    line.go()
    passed[0] = 0

    assert world.calls == ["send", "ask", "send"]
    assert line.attempt.sent_at == line.at + timedelta(seconds=35)


def test_worker_that_read_an_older_count_of_sends_leaves_it(
    line: Line, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sends = [turn_away(ErrorClass.TEMPORARY)]
    line.go()
    reopen, stalled = advance.reopen_attempt, []

    def stall(**arguments: object) -> Attempt | None:
        if not stalled:
            stalled.append(True)
            world.sends = [LOSE_ANSWER]
            look(line, seconds=200)
        return reopen(**arguments)

    monkeypatch.setattr(advance, "reopen_attempt", stall)

    assert line.go() == Progress.NOT_OURS

    assert (world.calls.count("send"), line.attempt.sends) == (2, 2)
