"""Two at once, in pairs: the control shows the race with its guard taken out, the twin shows it gone (rule 28)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import IntegrityError, connection

from disbursements.models import Attempt, Disbursement
from disbursements.services import advance, sending, settlement
from disbursements.services.advance import Progress, advance_disbursement
from disbursements.services.callbacks import process_callback
from tests.disbursements.conftest import Line, RememberingOwner
from tests.disbursements.fake_provider import World, paid
from tests.disbursements.test_callbacks import call_back

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60


class Gate:
    """Holds whoever comes until the other one is there too, or is through without having come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._come = self._through = 0

    def wait(self, *_args: object, **_kwargs: object) -> None:
        with self._changed:
            self._come += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._come > 1 or self._through, SECONDS)

    def note_through(self) -> None:
        """One of the two has done all it does."""
        with self._changed:
            self._through += 1
            self._changed.notify_all()


def at_once(gate: Gate, *acts: Callable[[], object]) -> list[object]:
    """Results, or what was raised, of acts begun together."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            start.wait(SECONDS)
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()
            gate.note_through()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def look(line: Line) -> Callable[[], Progress]:
    return lambda: advance_disbursement(disbursement_id=line.id, at=line.at)


def read_unlocked(disbursement_id: object) -> Disbursement:
    return Disbursement.objects.select_related("funded_from").get(pk=disbursement_id)


def read_attempt_unlocked(reference: object) -> Attempt:
    return Attempt.objects.get(pk=reference)


def take_without_counting(*, disbursement_id: object, at: datetime) -> Disbursement:
    return Disbursement.objects.get(pk=disbursement_id)


@pytest.fixture
def gate() -> Gate:
    return Gate()


class TestTwoWorkersAsk:
    """Guard: the claim."""

    def test_control_both_ask(self, line: Line, world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        line.go()
        line.at = line.row.next_action_at
        monkeypatch.setattr(advance, "claim_disbursement", take_without_counting)
        world.interrupt = gate.wait

        at_once(gate, look(line), look(line))

        assert world.calls == ["send", "ask", "ask"]

    def test_one_asks(self, line: Line, world: World, gate: Gate, owner: RememberingOwner) -> None:
        line.go()
        line.at = line.row.next_action_at
        world.interrupt = gate.wait

        results = at_once(gate, look(line), look(line))

        assert sorted(str(result) for result in results) == ["asked", "not_ours"]
        assert (world.calls, line.row.status, owner.heard) == (["send", "ask"], "completed", ["paid"])


class TestTwoWorkersOpenAnAttempt:
    """Guard: the lock and the second look; behind it, the unique index."""

    def open_twice(self, line: Line, world: World, gate: Gate) -> list[object]:
        from disbursements.configuration import PaymentSettings

        provider = world.build(PaymentSettings())

        def act() -> object:
            return sending.open_attempt(disbursement_id=line.id, provider=provider, at=line.at)

        return at_once(gate, act, act)

    def test_control_the_second_is_stopped_by_the_database_only(
        self, line: Line, world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "lock_disbursement", read_unlocked)
        create = sending._create_attempt

        def hold(*args: object, **kwargs: object) -> Attempt:
            gate.wait()
            return create(*args, **kwargs)

        monkeypatch.setattr(sending, "_create_attempt", hold)

        results = self.open_twice(line, world, gate)

        assert sorted(type(result) is IntegrityError for result in results) == [False, True]

    def test_the_second_looks_again_and_leaves_it(self, line: Line, world: World, gate: Gate) -> None:
        results = self.open_twice(line, world, gate)

        assert sorted(type(result).__name__ for result in results) == ["Attempt", "NoneType"]
        assert len(line.attempts) == 1


class TestTwoSettlements:
    """Guard: the lock and the second look."""

    def settle_twice(self, line: Line, world: World, gate: Gate) -> list[object]:
        line.go()
        report = paid(next(iter(world.book.values())))
        attempt = line.attempt

        def act() -> object:
            return settlement.settle_paid(attempt=attempt, outcome=report, at=line.at)

        return at_once(gate, act, act)

    def test_control_the_owner_hears_twice(
        self, line: Line, world: World, gate: Gate, owner: RememberingOwner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settlement, "lock_disbursement", read_unlocked)
        monkeypatch.setattr(settlement, "lock_attempt", read_attempt_unlocked)
        find = settlement.find_difference

        def hold(*args: object, **kwargs: object) -> str:
            gate.wait()
            return find(*args, **kwargs)

        monkeypatch.setattr(settlement, "find_difference", hold)

        self.settle_twice(line, world, gate)

        assert owner.heard == ["paid", "paid"]
        # The audit trail shows it too; leave a whole book to the fixture's last look.
        assert line.events == ["paid", "paid"]
        from audit.models import AuditEvent

        duplicate = AuditEvent.objects.filter(action="disbursement.paid").latest("pk")
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("DELETE FROM audit_event WHERE id = %s", [duplicate.pk])
            cursor.execute("SET session_replication_role = DEFAULT")

    def test_one_settles(self, line: Line, world: World, gate: Gate, owner: RememberingOwner) -> None:
        results = self.settle_twice(line, world, gate)

        assert sorted(results) == [False, True]
        assert (owner.heard, line.events) == (["paid"], ["paid"])


class TestCallbackAndPoll:
    """Guards: the claim, then the lock and the second look."""

    def test_control_both_ask(self, line: Line, world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        line.go()
        callback = call_back(line)
        line.at = line.row.next_action_at
        monkeypatch.setattr(advance, "claim_disbursement", take_without_counting)
        world.interrupt = gate.wait

        at_once(gate, look(line), lambda: process_callback(callback_id=callback.pk, at=line.at))

        assert world.calls == ["send", "ask", "ask"]
        assert line.events == ["paid"]

    def test_one_asks_and_settles(self, line: Line, world: World, gate: Gate, owner: RememberingOwner) -> None:
        line.go()
        callback = call_back(line)
        line.at = line.row.next_action_at
        world.interrupt = gate.wait

        results = at_once(gate, look(line), lambda: process_callback(callback_id=callback.pk, at=line.at))

        assert (world.calls, owner.heard, line.events) == (["send", "ask"], ["paid"], ["paid"])
        # The callback either did the work, or leaves itself to the sweep, which finds it done.
        assert [str(result) for result in results] in (["not_ours", "settled"], ["asked", ""], ["asked", "settled"])
        assert process_callback(callback_id=callback.pk, at=line.at) in ("settled", "no_change")
