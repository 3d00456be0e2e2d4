"""Random faults, deaths, repeats, decisions and clock jumps over the engine; money still moves exactly once.

A failure prints the steps that led to it. `--hypothesis-seed=N` runs the same examples again.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import wraps
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from disbursements import breaker, tasks
from disbursements.models import Disbursement
from disbursements.providers.base import Answer, Outcome
from disbursements.services import advance, asking, sending, settlement
from disbursements.services.callbacks import process_callback
from disbursements.services.claims import claim_length
from disbursements.services.decisions import (
    MakerIsChecker,
    NotAwaitingApproval,
    NotCancellable,
    NotRetryable,
    approve_disbursement,
    cancel_disbursement,
    retry_disbursement,
)
from disbursements.services.floats import check_provider_balances
from disbursements.services.sweeps import sweep_due_disbursements
from disbursements.statuses import ErrorClass
from ledger.models import Account
from tests.disbursements.conftest import Line, RememberingOwner, assert_invariants, request_payout
from tests.disbursements.fake_provider import (
    ACCEPT,
    LOSE_ANSWER,
    LOSE_REQUEST,
    NO_ANSWER,
    NOT_SENT,
    PENDING,
    World,
    refused,
    turn_away,
)
from tests.disbursements.test_callbacks import call_back

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(900)]

STEPS: dict[str, tuple[Any, str]] = {
    "claim": (advance, "claim_disbursement"),
    "open_attempt": (advance, "open_attempt"),
    "create_attempt": (sending, "_create_attempt"),
    "reopen_attempt": (advance, "reopen_attempt"),
    "send": (advance, "send_attempt"),
    "record_send": (advance, "record_send"),
    "ask": (advance, "ask_attempt"),
    "settle_money": (settlement, "settle_money"),
    "settle_paid": (asking, "settle_paid"),
    "settle_refused": (asking, "settle_refused"),
    "apply_refusal": (settlement, "apply_refusal"),
    "record_balance": (advance, "record_balance"),
}
SENDS = st.sampled_from(
    [ACCEPT, LOSE_ANSWER, LOSE_REQUEST, NOT_SENT, *(turn_away(error_class) for error_class in ErrorClass)]
)
FATES = st.sampled_from([refused(error_class) for error_class in ErrorClass])
# Nothing final: what is final comes from the book.
ASKS = st.sampled_from([PENDING, NO_ANSWER, Outcome(Answer.NOT_FOUND), Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY)])
PLACES = ("https://old.example.com", "https://new.example.com")
WHICH = st.integers(min_value=0, max_value=5)
AMOUNTS = st.sampled_from([1, 3000, 5000, 9000])


class Killed(BaseException):
    """The worker's death: nothing in the engine may catch it."""


@dataclass
class Setting:
    """What the test's fixtures lend to every example."""

    budget: Account
    world: World
    owner: RememberingOwner
    maker: User
    checker: User
    configure: Callable[..., object]
    now: datetime
    numbers: count


class Payouts(RuleBasedStateMachine):
    """Up to three payouts, one clock, one world outside."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.s = setting
        self.at = setting.now
        self.lines: list[Line] = []
        world = setting.world
        for container in (world.book, world.fates, world.next_fates, world.sends, world.asks, world.calls):
            container.clear()
        world.balance = Decimal(1_000_000)
        self.place(0)

    @initialize(amount=AMOUNTS)
    def first_request(self, amount: int) -> None:
        self.request(amount=amount)

    @precondition(lambda self: len(self.lines) < 3)
    @rule(amount=AMOUNTS)
    def request(self, amount: int) -> None:
        row = request_payout(
            self.s.budget,
            self.at,
            key=f"example-{next(self.s.numbers)}",
            amount=Decimal(amount),
            requested_by=self.s.maker,
        )
        self.lines.append(Line(row, self.at))

    @rule(which=WHICH, waits=st.booleans(), send=SENDS, answer=st.none() | ASKS, fate=st.none() | FATES)
    def look(self, which: int, waits: bool, send: Any, answer: Any, fate: Any) -> None:
        """A worker looks at a payout, when it is due or not; the world plays along or not."""
        line = self._prepare(which, waits, send, answer, fate)
        advance.advance_disbursement(disbursement_id=line.id, at=self.at)

    @rule(which=WHICH, send=SENDS, answer=st.none() | ASKS)
    def look_when_due(self, which: int, send: Any, answer: Any) -> None:
        """The same, without refusals: what is open stays open longer."""
        self.look(which=which, waits=True, send=send, answer=answer, fate=None)

    @rule(
        which=WHICH,
        send=SENDS,
        answer=st.none() | ASKS,
        fate=st.none() | FATES,
        step=st.sampled_from(sorted(STEPS)),
        after=st.booleans(),
    )
    def look_and_die(self, which: int, send: Any, answer: Any, fate: Any, step: str, after: bool) -> None:
        """A worker dies on the way, if it gets so far."""
        self._look_and_die(self._prepare(which, True, send, answer, fate), step, after)

    def _prepare(self, which: int, waits: bool, send: Any, answer: Any, fate: Any) -> Line:
        line, world = self._line(which), self.s.world
        world.sends[:] = [send]
        world.asks[:] = [answer] if answer else []
        world.next_fates[:] = [fate] if fate else []
        if waits:
            self._jump(line)
        return line

    def _look_and_die(self, line: Line, step: str, after: bool) -> None:
        owner, name = STEPS[step]
        original = getattr(owner, name)

        @wraps(original)
        def doomed(*args: Any, **kwargs: Any) -> Any:
            if after:
                original(*args, **kwargs)
            raise Killed

        setattr(owner, name, doomed)
        try:
            with suppress(Killed):
                advance.advance_disbursement(disbursement_id=line.id, at=self.at)
        finally:
            setattr(owner, name, original)

    @rule(seconds=st.sampled_from([1, 5, 31, 61, 400, 3700, 90_000]))
    def wait(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        sweep_due_disbursements(at=self.at)

    @rule(which=WHICH, status=st.sampled_from(["SUCCESSFUL", "FAILED", "PENDING", "x"]), oldest=st.booleans())
    def call_back(self, which: int, status: str, oldest: bool) -> None:
        line = self._line(which)
        if attempts := line.attempts:
            line.at = self.at
            callback = call_back(line, status=status, reference=str(attempts[0 if oldest else -1].pk))
            process_callback(callback_id=callback.pk, at=self.at)
            process_callback(callback_id=callback.pk, at=self.at)

    @rule(available=st.sampled_from([None, 0, 3000, 1_000_000]))
    def float_is(self, available: int | None) -> None:
        """Somebody pays out or tops up beside us, and the beat looks."""
        self.s.world.balance = None if available is None else Decimal(available)
        check_provider_balances(at=self.at)

    @rule(index=st.integers(min_value=0, max_value=1))
    def place(self, index: int) -> None:
        self.s.configure(
            momo_base_url=PLACES[index], approval_threshold=Decimal(8000), breaker_failures=3, breaker_open_seconds=1
        )

    @rule(which=WHICH)
    def approve(self, which: int) -> None:
        self._decide(which, approve_disbursement, approved_by=self.s.checker)

    @rule(which=WHICH)
    def approve_own(self, which: int) -> None:
        self._decide(which, approve_disbursement, approved_by=self.s.maker)

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        self._decide(which, cancel_disbursement, cancelled_by=self.s.checker, reason="r")

    @rule(which=WHICH)
    def retry(self, which: int) -> None:
        self._decide(which, retry_disbursement, requested_by=self.s.checker, reason="r")

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        for line in self.lines:
            assert len(self._paid(line)) <= 1

    @invariant()
    def nothing_is_called_paid_that_was_not(self) -> None:
        for line in self.lines:
            row = line.row
            if row.status == "completed":
                assert [transfer.amount for transfer in self._paid(line)] == [row.amount]

    def teardown(self) -> None:
        """The world heals; whatever was open comes to its end, and all books agree."""
        world = self.s.world
        for script in (world.sends, world.asks, world.next_fates):
            script.clear()
        world.balance = Decimal(1_000_000)
        for index, line in enumerate(self.lines):
            event(f"ends {line.row.status}, attempts {len(line.attempts)}")
            if line.row.status == "awaiting_approval":
                self._decide(index, approve_disbursement, approved_by=self.s.checker)
            self._finish(line)
            # Given up or called off: nothing was paid. Paid: exactly once, which the rules have watched.
            assert (line.row.status == "completed") == (len(self._paid(line)) == 1)
        assert_invariants()

    def _finish(self, line: Line) -> None:
        for _ in range(60):
            if line.row.next_action_at is None:
                return
            self._jump(line)
            breaker.record_success("mtn_momo")
            advance.advance_disbursement(disbursement_id=line.id, at=self.at)
        raise AssertionError(f"not settled: {line.row.status} {line.row.error_code} {line.attempts}")

    def _line(self, which: int) -> Line:
        return self.lines[which % len(self.lines)]

    def _jump(self, line: Line) -> None:
        self.at = max(self.at, line.row.next_action_at or self.at)

    def _decide(self, which: int, decide: Callable[..., Disbursement], **who: object) -> None:
        with suppress(MakerIsChecker, NotAwaitingApproval, NotCancellable, NotRetryable):
            decide(disbursement_id=self._line(which).id, at=self.at, **who)

    def _paid(self, line: Line) -> list[Any]:
        return [transfer for transfer in self.s.world.paid() if transfer.external_id.startswith(str(line.id))]


def test_money_moves_once_whatever_happens(
    budget: Account,
    world: World,
    owner: RememberingOwner,
    maker: User,
    checker: User,
    configure: Callable[..., object],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for task in (tasks.advance, tasks.process_callback):
        # Every message is lost: the rows alone must do.
        monkeypatch.setattr(task, "apply_async", lambda **_options: None)
    setting = Setting(budget, world, owner, maker, checker, configure, now, count())
    assert claim_length() < timedelta(seconds=400), "a wait of 400 s must outlast a dead worker's claim"

    run_state_machine_as_test(
        lambda: Payouts(setting),
        settings=settings(
            max_examples=40, stateful_step_count=100, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
