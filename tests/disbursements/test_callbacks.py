"""Callbacks are stored, believed in nothing, and make us ask."""

import json
from datetime import timedelta

import pytest

from disbursements import tasks
from disbursements.models import Disbursement, ProviderCallback
from disbursements.services.callbacks import process_callback, store_callback
from disbursements.services.claims import claim_disbursement
from disbursements.services.sweeps import sweep_unprocessed_callbacks
from disbursements.statuses import ErrorClass
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import PENDING, World, refused, turn_away

pytestmark = pytest.mark.django_db


def call_back(
    line: Line, *, status: str = "SUCCESSFUL", reference: str | None = None, **body: object
) -> ProviderCallback:
    return store_callback(
        provider="mtn_momo",
        reference=str(line.attempt.pk) if reference is None else reference,
        method="PUT",
        headers={"Host": "example.com"},
        body=json.dumps({"status": status, **body}),
        ip="192.0.2.1",
        at=line.at,
    )


def process(callback: ProviderCallback, line: Line) -> str:
    return process_callback(callback_id=callback.pk, at=line.at)


def test_callback_makes_us_ask_at_once(line: Line, world: World, owner: RememberingOwner) -> None:
    line.go()
    callback = call_back(line)

    assert process(callback, line) == "settled"

    assert (line.row.status, owner.heard, world.calls) == ("completed", ["paid"], ["send", "ask"])
    callback.refresh_from_db()
    assert (callback.result, callback.processed_at) == ("settled", line.at)


def test_callback_is_not_believed(line: Line, world: World, owner: RememberingOwner) -> None:
    world.asks = [PENDING]
    line.go()

    assert process(call_back(line), line) == "no_change"

    assert (line.row.status, owner.heard) == ("processing", [])


def test_many_callbacks_cause_one_question_in_five_seconds(line: Line, world: World) -> None:
    """Who knows the external id can forge as many as they like."""
    world.asks = [PENDING] * 2
    line.go()
    for _ in range(50):
        process(call_back(line, reference="", externalId=line.attempt.external_id), line)
    assert world.calls == ["send", "ask"]

    # None was in vain: the next look comes with the end of the pause, however far the schedule has gone.
    Disbursement.objects.update(next_action_at=line.at + timedelta(hours=1))
    line.wait(seconds=4)
    assert process(call_back(line), line) == "no_change"
    assert line.row.next_action_at == line.at + timedelta(seconds=1)
    line.go()
    assert world.calls == ["send", "ask", "ask"]


def test_callback_beside_a_worker_that_asks_again_stays_to_be_looked_at(line: Line, world: World) -> None:
    world.asks = [PENDING]
    line.go()
    line.go()
    callback = call_back(line)
    Disbursement.objects.update(next_action_at=line.at)
    claim_disbursement(disbursement_id=line.id, at=line.at)

    assert process(callback, line) == ""
    line.wait(minutes=10)
    assert process(callback, line) == "settled"


def test_processing_twice_does_nothing_twice(line: Line, world: World, owner: RememberingOwner) -> None:
    line.go()
    callback = call_back(line)

    assert (process(callback, line), process(callback, line)) == ("settled", "settled")
    assert (world.calls, owner.heard) == (["send", "ask"], ["paid"])


def test_repeated_callback_that_agrees_asks_nothing(line: Line, world: World) -> None:
    line.go()
    line.go()

    assert process(call_back(line), line) == "no_change"
    assert world.calls == ["send", "ask"]


def test_callback_is_found_by_external_id_when_its_address_names_nothing(line: Line) -> None:
    line.go()

    assert process(call_back(line, reference="", externalId=line.attempt.external_id), line) == "settled"


@pytest.mark.parametrize("reference", ["", "x", "6f1f3a94-1111-4111-8111-111111111111"])
def test_unknown_reference_is_flagged(line: Line, world: World, reference: str) -> None:
    callback = call_back(line, reference=reference) if reference else None
    line.go()
    callback = callback or call_back(line, reference="", externalId=7)

    assert process(callback, line) == "unknown_reference"
    assert (line.row.status, world.calls) == ("processing", ["send"])


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", '"x"'])
def test_unreadable_body_still_makes_us_ask(line: Line, body: str) -> None:
    line.go()
    callback = store_callback(
        provider="mtn_momo",
        reference=str(line.attempt.pk),
        method="POST",
        headers={},
        body=body,
        ip=None,
        at=line.at,
    )

    assert process(callback, line) == "settled"


def test_forged_failure_of_a_paid_payout_changes_nothing(line: Line, world: World) -> None:
    line.go()
    line.go()

    assert process(call_back(line, status="FAILED"), line) == "no_change"

    assert (line.row.status, line.row.alarm, world.calls) == ("completed", "", ["send", "ask", "ask"])


def test_confirmed_contradiction_changes_nothing_and_calls_a_person(line: Line, world: World) -> None:
    line.go()
    line.go()
    world.asks = [refused(ErrorClass.PERMANENT)]

    assert process(call_back(line, status="FAILED"), line) == "contradicts"

    assert (line.row.status, line.row.alarm) == ("completed", "contradiction")


def test_late_success_of_a_refused_attempt_calls_a_person(line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY)]
    line.go()
    line.go()
    world.fates.clear()

    assert process(call_back(line), line) == "contradicts"

    assert (line.row.status, line.row.alarm, line.attempt.status) == ("queued", "contradiction", "refused")


def test_success_of_a_payout_given_up_is_settled(line: Line, world: World) -> None:
    world.sends = [turn_away(ErrorClass.PERMANENT)]
    line.go()
    world.asks = [PENDING.__class__(answer="paid", transaction_id="T-9", amount=line.row.amount)]

    assert process(call_back(line), line) == "settled"

    assert (line.row.status, line.row.alarm) == ("completed", "paid_after_failure")


def test_callback_while_a_worker_is_on_the_payout_waits_for_the_sweep(line: Line, world: World) -> None:
    line.go()
    line.wait(seconds=10)
    assert claim_disbursement(disbursement_id=line.id, at=line.at)
    callback = call_back(line)

    assert process(callback, line) == ""
    callback.refresh_from_db()
    assert (callback.processed_at, world.calls) == (None, ["send"])

    line.wait(minutes=10)
    assert process(callback, line) == "settled"


@pytest.mark.django_db(transaction=True)
def test_sweep_finds_callbacks_whose_nudge_was_lost(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    nudged: list[dict[str, object]] = []

    def remember(*, kwargs: dict[str, object], **_options: object) -> None:
        nudged.append(kwargs)

    monkeypatch.setattr(tasks.process_callback, "apply_async", remember)
    line.go()
    callback = call_back(line)
    assert nudged == [{"callback_id": callback.pk}]

    assert sweep_unprocessed_callbacks(at=line.at) == 0
    assert sweep_unprocessed_callbacks(at=line.at + timedelta(seconds=10)) == 1
    assert nudged == [{"callback_id": callback.pk}] * 2

    process(callback, line)
    assert sweep_unprocessed_callbacks(at=line.at + timedelta(seconds=10)) == 0


def test_long_words_are_cut_and_not_refused(line: Line) -> None:
    callback = store_callback(
        provider="mtn_momo",
        reference="r" * 100,
        method="PATCHPATCH",
        headers={},
        body="b" * 70_000,
        ip=None,
        at=line.at,
    )

    assert (len(callback.reference), callback.method, len(callback.body)) == (64, "PATCHPAT", 70_000)


def test_questions_asked_for_callbacks_do_not_slow_the_schedule(line: Line, world: World) -> None:
    line.go()
    world.fates[line.attempt.pk] = PENDING
    for _ in range(4):
        line.go()
    polls = line.attempt.polls
    for _ in range(10):
        line.wait(seconds=6)
        process(call_back(line), line)

    assert world.calls.count("ask") == 14
    assert line.attempt.polls == polls
    assert line.row.next_action_at == line.at + timedelta(seconds=60)


def test_our_ids_are_not_in_what_the_payee_reads(line: Line, world: World) -> None:
    line.go()

    (transfer,) = world.book.values()
    assert str(line.id) not in transfer.payee_note
    assert str(line.attempt.pk) not in transfer.payee_note
