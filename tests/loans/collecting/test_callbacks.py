"""What a stored callback leads to: the provider is asked, and only its answer counts."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from disbursements.providers.base import Answer, Outcome
from disbursements.statuses import CallbackResult
from loans import tasks
from loans.collecting.client import Collections
from loans.models import CollectionCallback, Repayment
from loans.services import collection_callbacks
from loans.services.collection_callbacks import process_callback, store_callback
from loans.services.collection_sweeps import sweep_unprocessed_callbacks
from tests.loans.collecting.conftest import Asking, assert_charged_once, assert_not_charged, paid
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def handed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of callbacks handed to the workers."""
    handed: list[int] = []
    monkeypatch.setattr(
        tasks.process_collection_callback, "apply_async", lambda *, kwargs, **_o: handed.append(kwargs["callback_id"])
    )
    monkeypatch.setattr(tasks.advance_collection, "apply_async", lambda **_options: None)
    return handed


def store(asking: Asking, status: str = "SUCCESSFUL", *, reference: UUID | None = None, **body: Any) -> int:
    callback = store_callback(
        reference=reference,
        method="PUT",
        headers={},
        body=json.dumps({"status": status, "externalId": str(asking.id), **body}),
        ip="212.88.125.100",
        at=asking.at,
    )
    return callback.pk


def process(asking: Asking, callback_id: int) -> CallbackResult:
    return process_callback(callback_id=callback_id, at=asking.at)


def test_callback_books_before_the_next_poll(asking: Asking, sandbox: SandboxProcess, handed: list[int]) -> None:
    asking.go()
    sandbox.wait_until(lambda: paid(sandbox))

    callback = store(asking, reference=asking.id)

    assert handed == [callback]
    assert process(asking, callback) == CallbackResult.SETTLED
    assert_charged_once(asking, sandbox)
    assert process(asking, callback) == CallbackResult.SETTLED


def test_callback_without_reference_is_found_by_our_id_in_its_body(asking: Asking, sandbox: SandboxProcess) -> None:
    asking.go()
    sandbox.wait_until(lambda: paid(sandbox))

    assert process(asking, store(asking)) == CallbackResult.SETTLED


@pytest.mark.parametrize("status", ["SUCCESSFUL", "FAILED", "PENDING", "nonsense"])
def test_forged_callback_about_a_waiting_customer_changes_nothing(
    asking: Asking, sandbox: SandboxProcess, status: str
) -> None:
    sandbox.collection_faults("stay_pending", times=1)
    asking.go()

    forged = store(asking, status, reference=asking.id, financialTransactionId="1", amount="4000")

    assert process(asking, forged) == CallbackResult.NO_CHANGE
    assert asking.row.status == "pending"
    assert not Repayment.objects.exists()
    sandbox.settle_collections()


def test_forged_callbacks_cause_one_question_in_five_seconds(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.collection_faults("stay_pending", times=1)
    asking.go()
    questions: list[UUID] = []

    def count(self: Collections, reference: UUID) -> Outcome:
        questions.append(reference)
        return Outcome(Answer.PENDING, http_status=200)

    monkeypatch.setattr(Collections, "look_up", count)
    polls = asking.row.polls

    results = [process(asking, store(asking, reference=asking.id)) for _ in range(20)]

    assert results == [CallbackResult.NO_CHANGE] * 20
    assert len(questions) == 1
    assert asking.row.polls <= polls + 1
    assert asking.row.next_action_at <= asking.at + timedelta(seconds=5)
    sandbox.settle_collections()


def test_replayed_callback_of_a_booked_request_asks_nobody(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.drive()

    def refuse(self: Collections, reference: UUID) -> Outcome:
        raise AssertionError("asked")

    monkeypatch.setattr(Collections, "look_up", refuse)

    for _ in range(3):
        assert process(asking, store(asking, reference=asking.id)) == CallbackResult.NO_CHANGE
    assert_charged_once(asking, sandbox)


def test_forged_failure_of_a_booked_request_changes_nothing(asking: Asking, sandbox: SandboxProcess) -> None:
    asking.drive()

    assert process(asking, store(asking, "FAILED", reference=asking.id)) == CallbackResult.NO_CHANGE

    assert_charged_once(asking, sandbox)
    assert asking.row.alarm == ""


def test_real_contradiction_of_a_booked_request_calls_a_person(
    asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.drive()
    monkeypatch.setattr(Collections, "look_up", lambda self, reference: Outcome(Answer.REFUSED, code="EXPIRED"))

    assert process(asking, store(asking, "FAILED", reference=asking.id)) == CallbackResult.CONTRADICTS

    assert_charged_once(asking, sandbox)
    assert asking.row.alarm == "contradiction"


def test_unanswered_contradiction_is_asked_about_for_a_day(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.drive()
    monkeypatch.setattr(Collections, "look_up", lambda self, reference: Outcome(Answer.UNKNOWN, code="READ_TIMEOUT"))
    callback_id = store(asking, "FAILED", reference=asking.id)

    for _ in range(60):
        result = process(asking, callback_id)
        if result != CallbackResult.PENDING:
            break
        callback = CollectionCallback.objects.get(pk=callback_id)
        assert callback.look_again_at is not None
        asking.at = max(asking.at, callback.look_again_at)

    assert result == CallbackResult.UNANSWERED
    assert asking.row.alarm == ""


def test_forged_success_of_a_failed_request_changes_nothing(asking: Asking, sandbox: SandboxProcess) -> None:
    sandbox.collection_faults("refuse", reason="EXPIRED", times=1)
    asking.drive()
    asking.wait(seconds=10)

    assert process(asking, store(asking, reference=asking.id)) == CallbackResult.NO_CHANGE

    assert_not_charged(asking, sandbox)
    assert (asking.row.next_action_at, asking.events) == (None, ["requested", "failed"])


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '"x"', '{"externalId": 1}', '{"externalId": "\\u0000"}', "[" * 100_000]
)
def test_callback_about_nothing_of_ours_is_kept_and_ends(asking: Asking, body: str) -> None:
    for reference in (None, uuid4()):
        callback = store_callback(reference=reference, method="POST", headers={}, body=body, ip=None, at=asking.at)
        assert process(asking, callback.pk) == CallbackResult.UNKNOWN_REFERENCE


def test_callback_before_anything_was_sent_is_nonsense(asking: Asking, sandbox: SandboxProcess) -> None:
    assert process(asking, store(asking, reference=asking.id)) == CallbackResult.NO_CHANGE

    assert (asking.row.sends, sandbox.collections()) == (0, [])
    asking.drive()


def test_callback_waits_for_the_worker_that_has_the_request(asking: Asking, sandbox: SandboxProcess) -> None:
    asking.go()
    sandbox.wait_until(lambda: paid(sandbox))
    row = asking.row
    row.next_action_at = row.claimed_until = asking.at + timedelta(minutes=2)
    row.save()
    callback_id = store(asking, reference=asking.id)

    assert process(asking, callback_id) == CallbackResult.PENDING

    assert not Repayment.objects.exists()
    asking.wait(minutes=3)
    assert process(asking, callback_id) == CallbackResult.SETTLED
    assert_charged_once(asking, sandbox)


def test_lost_callback_is_found_by_the_sweep(asking: Asking, handed: list[int]) -> None:
    callback_id = store(asking, reference=asking.id)
    handed.clear()

    assert sweep_unprocessed_callbacks(at=asking.at + timedelta(seconds=9)) == 0
    assert sweep_unprocessed_callbacks(at=asking.at + timedelta(seconds=10)) == 1

    assert handed == [callback_id]
    asking.drive()
    process(asking, callback_id)
    assert sweep_unprocessed_callbacks(at=asking.at + timedelta(days=1)) == 0


def test_settings_unread_leave_the_callback_for_later(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    callback_id = store(asking, reference=asking.id)
    monkeypatch.setattr(collection_callbacks, "was_read", lambda category: False)

    assert process(asking, callback_id) == CallbackResult.PENDING
    assert CollectionCallback.objects.get(pk=callback_id).processed_at is None
