"""Money that may have moved without being booked: nothing more is sent until a person has the provider asked again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import ProgrammingError, transaction

from accounts.models import User
from audit.models import AuditEvent
from disbursements.configuration import PaymentSettings
from disbursements.locks import lock_disbursement
from disbursements.models import Attempt
from disbursements.providers.base import Answer, Outcome
from disbursements.services.alarms import AlarmNotClearable, clear_alarm, raise_alarm
from disbursements.services.callbacks import process_callback
from disbursements.services.claims import claim_disbursement
from disbursements.services.decisions import (
    MakerIsChecker,
    NotCancellable,
    NotRetryable,
    cancel_disbursement,
    retry_disbursement,
)
from disbursements.services.resolutions import NotResolvable, settle_on_word, state_not_paid
from disbursements.services.sending import open_attempt
from disbursements.services.transitions import MoveNotAllowed, revive_attempt
from disbursements.statuses import Alarm, ErrorClass
from ledger.models import Account
from ledger.selectors import balance_of
from ledger.services import open_float_account
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import LOSE_REQUEST, NO_ANSWER, NOT_SENT, PENDING, World, refused, turn_away
from tests.disbursements.test_callbacks import call_back
from tests.disbursements.test_guards import force

pytestmark = pytest.mark.django_db

NOT_FOUND = Outcome(Answer.NOT_FOUND, code="RESOURCE_NOT_FOUND", http_status=404)


def correct_itself(line: Line, world: World) -> None:
    """The provider said FAILED of the first reference; now it says SUCCESSFUL, and calls to tell us."""
    first = line.attempts[0]
    world.fates.pop(first.pk)
    callback = call_back(line, reference=str(first.pk))
    assert process_callback(callback_id=callback.pk, at=line.at) == "contradicts"


def contradict(line: Line, world: World, error_class: ErrorClass) -> None:
    world.next_fates = [refused(error_class, "EXPIRED")]
    line.go()
    line.go()
    correct_itself(line, world)
    assert line.row.alarm == "contradiction"


def lose(line: Line, world: World) -> None:
    line.go()
    world.asks = [NOT_FOUND] * 5
    while line.row.alarm != "lost":
        line.go()
    world.asks = []


def settle(line: Line, person: User) -> None:
    settle_on_word(disbursement_id=line.id, decided_by=person, reason="MTN wrote to us", at=line.at)


def not_paid(line: Line, person: User) -> None:
    state_not_paid(disbursement_id=line.id, decided_by=person, reason="MTN wrote to us", at=line.at)


def test_contradicted_refusal_mints_no_other_reference(line: Line, world: World) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)

    for _ in range(3):
        line.go()

    assert (line.row.status, line.row.wait_reason, len(line.attempts)) == ("queued", "alarm", 1)
    assert (line.row.next_action_at - line.at, len(world.paid())) == (timedelta(hours=1), 1)


def test_reference_is_not_opened_when_the_alarm_came_after_the_look(line: Line, world: World) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)

    assert open_attempt(disbursement_id=line.id, provider=world.build(PaymentSettings()), at=line.at) is None


@pytest.mark.parametrize("error_class", [ErrorClass.PERMANENT, ErrorClass.TEMPORARY])
def test_contradicted_payout_is_neither_retried_nor_cancelled_nor_waved_through(
    line: Line, world: World, checker: User, error_class: ErrorClass
) -> None:
    contradict(line, world, error_class)
    decision = {"disbursement_id": line.id, "reason": "r", "at": line.at}

    if error_class == ErrorClass.PERMANENT:
        with pytest.raises(NotRetryable, match="Money may have moved"):
            retry_disbursement(requested_by=checker, **decision)
    else:
        with pytest.raises(NotCancellable, match="Money may have moved"):
            cancel_disbursement(cancelled_by=checker, **decision)
    with pytest.raises(AlarmNotClearable):
        clear_alarm(cleared_by=checker, **decision)

    assert (line.row.alarm, len(line.attempts)) == ("contradiction", 1)


def test_other_reference_under_way_is_not_sent_again_while_the_first_is_in_doubt(line: Line, world: World) -> None:
    world.next_fates, world.sends = [refused(ErrorClass.TEMPORARY)], []
    line.go()
    line.go()
    world.sends = [LOSE_REQUEST]
    line.go()
    correct_itself(line, world)

    for _ in range(8):
        line.go()

    assert ([attempt.sends for attempt in line.attempts], len(world.paid())) == ([1, 1], 1)


@pytest.mark.parametrize("error_class", [ErrorClass.PERMANENT, ErrorClass.TEMPORARY])
def test_settled_on_the_providers_word(
    line: Line, world: World, owner: RememberingOwner, checker: User, budget: Account, error_class: ErrorClass
) -> None:
    contradict(line, world, error_class)

    settle(line, checker)

    row, attempt = line.row, line.attempt
    assert (row.status, row.alarm, row.provider_transaction_id) == ("completed", "", f"T-{attempt.pk}")
    assert (attempt.status, attempt.decided_by) == ("succeeded", checker)
    assert owner.heard[-1] == "paid"
    assert balance_of(budget) == Decimal(5000)
    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(-5000)
    event = AuditEvent.objects.get(action="disbursement.settled_on_word")
    assert (event.actor_label, event.reason) == ("checker@example.com", "MTN wrote to us")
    line.go()
    assert len(world.paid()) == 1


def test_nothing_is_settled_without_the_providers_word(line: Line, world: World, checker: User) -> None:
    contradict(line, world, ErrorClass.PERMANENT)
    world.asks = [NO_ANSWER]

    with pytest.raises(NotResolvable, match="reports no reference as paid"):
        settle(line, checker)

    assert (line.row.status, line.row.alarm, line.attempt.status) == ("failed", "contradiction", "refused")


def test_two_references_really_paid_keep_the_alarm_and_are_named(line: Line, world: World, checker: User) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY)]
    line.go()
    line.go()
    line.go()
    correct_itself(line, world)

    with pytest.raises(NotResolvable, match="2 references were really paid") as caught:
        settle(line, checker)

    assert all(str(attempt.pk) in str(caught.value) for attempt in line.attempts)
    assert (line.row.alarm, line.events.count("paid_twice")) == ("contradiction", 1)


def test_first_is_not_settled_while_the_second_may_still_be_paid(line: Line, world: World, checker: User) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY)]
    line.go()
    line.go()
    line.go()
    correct_itself(line, world)
    world.fates[line.attempt.pk] = PENDING

    with pytest.raises(NotResolvable, match="may still be paid"):
        settle(line, checker)
    world.fates[line.attempt.pk] = refused(ErrorClass.PERMANENT)
    settle(line, checker)

    assert [attempt.status for attempt in line.attempts] == ["succeeded", "refused"]
    assert line.row.status == "completed"


def test_second_reference_that_never_left_is_closed(line: Line, world: World, checker: User) -> None:
    world.next_fates, world.sends = [refused(ErrorClass.TEMPORARY)], []
    line.go()
    line.go()
    world.sends = [NOT_SENT]
    line.go()
    correct_itself(line, world)

    settle(line, checker)

    assert [attempt.status for attempt in line.attempts] == ["succeeded", "refused"]


def test_correction_taken_back_is_stated_as_not_paid_and_goes_on(line: Line, world: World, checker: User) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)
    world.fates[line.attempt.pk] = refused(ErrorClass.TEMPORARY)

    not_paid(line, checker)
    assert (line.row.alarm, line.row.status, line.row.next_action_at) == ("", "queued", line.at)
    line.go()
    line.go()

    assert (line.row.status, len(line.attempts), len(world.paid())) == ("completed", 2, 1)
    assert "stated_not_paid" in line.events


def test_paid_reference_cannot_be_stated_as_not_paid(line: Line, world: World, checker: User) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)

    with pytest.raises(NotResolvable, match=r"not sure that nothing was paid.*paid"):
        not_paid(line, checker)

    assert line.row.alarm == "contradiction"


def test_lost_reference_may_be_stated_as_not_paid_only_after_the_safe_age(
    line: Line, world: World, checker: User
) -> None:
    lose(line, world)
    world.book.clear()

    with pytest.raises(NotResolvable, match="not found"):
        not_paid(line, checker)
    line.wait(hours=24)
    not_paid(line, checker)

    assert ([attempt.status for attempt in line.attempts], line.row.status) == (["refused"], "queued")
    line.go()
    line.go()
    assert (line.row.status, len(world.paid())) == ("completed", 1)


def test_another_api_users_silence_is_no_proof(line: Line, world: World, checker: User, configure) -> None:
    lose(line, world)
    line.wait(days=9)
    configure(momo_api_user="another")

    with pytest.raises(NotResolvable, match="OTHER_API_USER"):
        not_paid(line, checker)

    assert (line.row.alarm, line.attempt.status) == ("lost", "accepted")


def test_reference_held_where_we_do_not_send_any_more_may_be_stated_as_not_paid(
    line: Line, world: World, checker: User, configure
) -> None:
    """Sent to the wrong environment and never answered; sent again there and refused. A retry alone ends there too."""
    configure(momo_target_environment="mtnuganda")
    world.sends = [LOSE_REQUEST, *[turn_away(ErrorClass.CONFIGURATION, "INVALID_CURRENCY")] * 3]
    while line.row.status != "failed":
        line.go()
    configure(momo_target_environment="mtnrwanda")
    retry_disbursement(disbursement_id=line.id, requested_by=checker, reason="Mended", at=line.at)
    while line.row.status != "failed":
        line.go()

    with pytest.raises(NotResolvable, match="not found"):
        not_paid(line, checker)
    line.wait(hours=24)
    not_paid(line, checker)
    assert ([attempt.status for attempt in line.attempts], line.row.status) == (["refused"], "failed")
    world.sends = []
    retry_disbursement(disbursement_id=line.id, requested_by=checker, reason="Once more", at=line.at)
    line.go()
    line.go()

    assert (line.row.status, line.row.environment, len(world.paid())) == ("completed", "mtnrwanda", 1)


@pytest.mark.parametrize("part", ["requested_by", "customer"])
def test_maker_and_payee_may_not_state_it(line: Line, world: World, maker: User, part: str) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)
    world.fates[line.attempt.pk] = refused(ErrorClass.TEMPORARY)
    force(f"UPDATE disbursements_disbursement SET {part}_id = %s WHERE id = %s", maker.pk, line.id)

    with pytest.raises(MakerIsChecker):
        not_paid(line, maker)

    assert line.row.alarm == "contradiction"


def test_lost_reference_that_turns_up_needs_nobody(line: Line, world: World) -> None:
    lose(line, world)
    world.fates[line.attempt.pk] = refused(ErrorClass.TEMPORARY)

    line.go()
    line.go()
    line.go()

    assert (line.row.status, line.row.alarm, len(world.paid())) == ("completed", "", 1)
    assert "alarm_cleared" in line.events


def test_mismatch_is_settled_by_a_person_and_the_difference_kept(line: Line, world: World, checker: User) -> None:
    world.asks = [Outcome(Answer.PAID, amount=Decimal(50), transaction_id="T-1")] * 2
    line.go()
    line.go()
    assert line.row.alarm == "mismatch"

    settle(line, checker)

    assert (line.row.status, line.row.alarm) == ("completed", "")
    event = AuditEvent.objects.get(action="disbursement.settled_on_word")
    assert "amount 50 instead of 5000" in event.reason


def test_graver_alarm_is_not_hidden_by_a_lesser_one(line: Line, world: World) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)
    with transaction.atomic():
        raise_alarm(lock_disbursement(line.id), Alarm.CONFIGURATION, detail="x", at=line.at)

    assert line.row.alarm == "contradiction"


def test_nobody_decides_while_a_worker_is_on_it_or_without_a_doubt(line: Line, world: World, checker: User) -> None:
    with pytest.raises(NotResolvable, match="Nothing about this payout is in doubt"):
        settle(line, checker)
    contradict(line, world, ErrorClass.TEMPORARY)
    line.at = line.row.next_action_at
    assert claim_disbursement(disbursement_id=line.id, at=line.at)

    with pytest.raises(NotResolvable, match="A worker is asking"):
        not_paid(line, checker)


def test_what_is_heard_meanwhile_makes_the_decision_void(line: Line, world: World, checker: User) -> None:
    contradict(line, world, ErrorClass.TEMPORARY)

    def send_meanwhile(name: str) -> None:
        Attempt.objects.filter(pk=line.attempt.pk).update(sends=2)

    world.interrupt = send_meanwhile
    with pytest.raises(NotResolvable, match="Look again"):
        settle(line, checker)

    assert line.row.status == "queued"


def test_database_lets_refused_become_paid_only_with_a_person(line: Line, world: World, checker: User) -> None:
    contradict(line, world, ErrorClass.PERMANENT)
    refused_one = Attempt.objects.filter(pk=line.attempt.pk)

    with pytest.raises(ProgrammingError, match="Invalid transition"), transaction.atomic():
        refused_one.update(status="succeeded")
    with pytest.raises(ProgrammingError, match="Invalid transition"), transaction.atomic():
        refused_one.update(status="accepted", decided_by=checker)
    with pytest.raises(MoveNotAllowed):
        revive_attempt(Attempt(status="accepted"), decided_by=checker)
