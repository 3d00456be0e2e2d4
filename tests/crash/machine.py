"""What may happen next: customers, workers, deaths, callbacks, staff, faults, clocks that jump. Hypothesis chooses."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from disbursements.models import Attempt, ProviderCallback
from disbursements.services.advance import advance_disbursement
from disbursements.services.callbacks import process_callback, store_callback
from disbursements.services.decisions import (
    NotAwaitingApproval,
    NotCancellable,
    NotRetryable,
    approve_disbursement,
    cancel_disbursement,
    retry_disbursement,
)
from disbursements.services.resolutions import NotResolvable, settle_on_word, state_not_paid
from notifications.services.sending import send_due
from promos.models import Redemption
from promos.services.redemptions import redeem_code
from promos.statuses import Outcome, Reason
from tests.crash.loan_steps import LOAN_STEPS
from tests.crash.steps import PAYOUT_STEPS
from tests.crash.town import ABROAD, AMOUNTS, HOME, Town

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WAITS = [SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR]
LOSING = [
    "timeout_before_accept",
    "timeout_after_accept",
    "http_500_before_accept",
    "http_500_after_accept",
    "http_503",
]
REASONS = ["EXPIRED", "INTERNAL_PROCESSING_ERROR", "PAYEE_NOT_FOUND", "NOT_ENOUGH_FUNDS", "SENDER_ACCOUNT_NOT_ACTIVE"]
DECISIONS: dict[str, Callable[..., Any]] = {
    "retry": retry_disbursement,
    "cancel": cancel_disbursement,
    "approve": approve_disbursement,
    "not_paid": state_not_paid,
    "on_word": settle_on_word,
}
REFUSALS = (NotRetryable, NotCancellable, NotAwaitingApproval, NotResolvable)
# References nobody gave out, the same in every run.
STRANGERS = [str(uuid5(UUID(int=0), str(number))) for number in range(2)]

someone = st.integers(0, 2)
some_code = st.integers(0, len(AMOUNTS) - 1)
some_payout = st.integers(0, 4)
times = st.integers(1, 3)
faults = st.one_of(
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(LOSING),
            "on": st.sampled_from(["transfer", "status", "token"]),
            "delayMs": st.just(0),
        },
        optional={"times": times},
    ),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(LOSING),
            "probability": st.sampled_from([0.2, 0.5, 0.8]),
            "seed": st.integers(0, 1000),
            "delayMs": st.just(0),
        }
    ),
    st.fixed_dictionaries({"mode": st.just("refuse"), "reason": st.sampled_from(REASONS)}, optional={"times": times}),
    st.fixed_dictionaries(
        {"mode": st.sampled_from(["drop_callback", "duplicate_callback", "token_expired"])}, optional={"times": times}
    ),
)
callbacks = st.one_of(
    st.fixed_dictionaries({"old": st.integers(0, 5)}),
    st.fixed_dictionaries(
        {"payout": some_payout, "status": st.sampled_from(["SUCCESSFUL", "FAILED", "PENDING"]), "amount": st.just("1")}
    ),
    st.fixed_dictionaries(
        {"stranger": st.sampled_from(STRANGERS), "body": st.sampled_from(["", "[[[", '{"status": "SUCCESSFUL"}'])}
    ),
)


class Happenings(RuleBasedStateMachine):
    """Random acts on a town; `town` is set by the test."""

    town: Town

    @initialize(count=st.integers(1, 4))
    def some_have_redeemed(self, count: int) -> None:
        for code in range(count):
            self.customer_redeems(who=code % 3, code=code, session=0)

    # Customers

    @rule(who=someone, code=some_code, session=st.integers(0, 1))
    def customer_redeems(self, who: int, code: int, session: int) -> None:
        town = self.town
        customer, typed = town.customers[who], town.codes[code]
        first = Redemption.objects.filter(promo_code=typed).first()
        affordable = typed.amount <= town.money_left()
        key = f"session-{who}-{session}"

        said = redeem_code(
            customer_id=customer.pk, phone=str(customer.phone), typed=str(typed), idempotency_key=key, at=town.at
        )

        if first is None:
            expected = (Outcome.REDEEMED, Reason.NONE) if affordable else (Outcome.LIMIT_REACHED, Reason.BUDGET)
            assert (said.outcome, said.reason, said.said_before) == (*expected, False)
        elif first.idempotency_key == f"{key}:{typed.code}":
            assert (said.outcome, said.redemption_id, said.said_before) == (Outcome.REDEEMED, first.pk, True)
        else:
            own = first.pk if first.customer_id == customer.pk else None
            assert (said.outcome, said.redemption_id) == (Outcome.ALREADY_USED, own)

    # Workers

    @rule(wait=st.sampled_from(WAITS))
    def workers_work(self, wait: timedelta) -> None:
        """After a while everything that is due is looked at once, callbacks first."""
        self.town.at += wait
        for callback in ProviderCallback.objects.filter(processed_at=None).order_by("pk"):
            process_callback(callback_id=callback.pk, at=self.town.at)
        waiting = [(payout.next_action_at, payout.pk) for payout in self.town.payouts() if payout.next_action_at]
        # Of those due at one time, the one asked for first.
        for _due, payout_id in sorted([one for one in waiting if one[0] <= self.town.at], key=itemgetter(0)):
            advance_disbursement(disbursement_id=payout_id, at=self.town.at)
        send_due(at=self.town.at)

    @rule(wait=st.sampled_from(WAITS))
    def provider_settles_and_workers_work(self, wait: timedelta) -> None:
        """As on a good day."""
        self.town.settle_at_provider()
        self.workers_work(wait)

    @rule(number=some_payout)
    def worker_looks_at_a_payout(self, number: int) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            advance_disbursement(disbursement_id=payout.pk, at=self.town.at)

    @rule(
        step=st.sampled_from(sorted({**PAYOUT_STEPS, **LOAN_STEPS})),
        passes=st.integers(1, 3),
        for_=st.sampled_from([SECOND, MINUTE, HOUR]),
    )
    def worker_dies(self, step: str, passes: int, for_: timedelta) -> None:
        """A process that sweeps, killed at the step if it comes there so often."""
        self.town.at = self.town.workers.work(at=self.town.at, for_=for_, fatal=step, times=passes).at

    # The outside

    @rule(number=st.integers(0, 2) | st.none())
    def provider_settles(self, number: int | None) -> None:
        self.town.settle_at_provider(number)

    @rule(fault=faults)
    def something_breaks(self, fault: dict[str, Any]) -> None:
        self.town.sandbox.faults(**fault)

    @rule()
    def everything_is_mended(self) -> None:
        self.town.sandbox.faults("none")

    @rule(amount=st.sampled_from([0, 5000, 12_000, 1_000_000]))
    def float_is_changed(self, amount: int) -> None:
        self.town.sandbox.set_float(amount, "RWF")

    @rule(callback=callbacks)
    def somebody_calls_back(self, callback: dict[str, Any]) -> None:
        """The provider once more, somebody who knows our references, or somebody who does not."""
        for reference, body in self._callback(callback):
            store_callback(
                provider="mtn_momo", reference=reference, method="PUT", headers={}, body=body, ip=None, at=self.town.at
            )

    def _callback(self, callback: dict[str, Any]) -> list[tuple[str, str]]:
        if "old" in callback:
            old = ProviderCallback.objects.order_by("pk")[callback["old"] : callback["old"] + 1]
            return [(one.reference, one.body) for one in old]
        if "stranger" in callback:
            return [(callback["stranger"], callback["body"])]
        payouts = self.town.payouts()[callback["payout"] : callback["payout"] + 1]
        newest = Attempt.objects.filter(disbursement__in=payouts).order_by("-number")[:1]
        return [(str(attempt.pk), json.dumps(callback)) for attempt in newest]

    # Staff and the house

    @rule(number=some_payout, act=st.sampled_from(sorted(DECISIONS)))
    def staff_decide(self, number: int, act: str) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            with suppress(*REFUSALS):
                DECISIONS[act](disbursement_id=payout.pk, at=self.town.at, **self._person(act))

    def _person(self, act: str) -> dict[str, Any]:
        """Who decides, and why, by the names that each service has for it."""
        keeper = self.town.keeper
        by = {"retry": "requested_by", "cancel": "cancelled_by", "approve": "approved_by"}.get(act, "decided_by")
        return {by: keeper} if act == "approve" else {by: keeper, "reason": "Test"}

    @rule(environment=st.sampled_from([HOME, HOME, ABROAD]))
    def staff_send_elsewhere(self, environment: str) -> None:
        self.town.send_to(environment)

    @rule()
    def redis_forgets(self) -> None:
        self.town.forget_redis()

    @rule(jump=st.sampled_from([*WAITS, -10 * SECOND, -10 * MINUTE]))
    def clock_jumps(self, jump: timedelta) -> None:
        self.town.at += jump

    # Always, and in the end

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert not (found := self.town.broken_promises()), found

    def teardown(self) -> None:
        self.town.bring_home()
        self.no_promise_is_broken()
        assert not (left := self.town.unfinished()), left
