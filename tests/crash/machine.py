"""What may happen next: customers, workers, deaths, callbacks, staff, faults, clocks that jump. Hypothesis chooses."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from disbursements.models import Attempt, Disbursement, ProviderCallback
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
from notifications.services.sending import send_due
from promos.models import Redemption
from promos.services.redemptions import redeem_code
from promos.statuses import Outcome, Reason
from tests.crash.steps import PAYOUT_STEPS
from tests.crash.town import ABROAD, AMOUNTS, HOME, Town

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
JUMPS = [SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR, -10 * SECOND, -10 * MINUTE]
LOSING = [
    "timeout_before_accept",
    "timeout_after_accept",
    "http_500_before_accept",
    "http_500_after_accept",
    "http_503",
]
REASONS = ["EXPIRED", "INTERNAL_PROCESSING_ERROR", "PAYEE_NOT_FOUND", "NOT_ENOUGH_FUNDS", "SENDER_ACCOUNT_NOT_ACTIVE"]
# References nobody gave out, the same in every run.
STRANGERS = [str(uuid5(UUID(int=0), str(number))) for number in range(2)]

someone = st.integers(0, 2)
some_code = st.integers(0, len(AMOUNTS) - 1)
some_payout = some_code
often = st.integers(1, 3) | st.none()


class Happenings(RuleBasedStateMachine):
    """Random acts on a town; `town` is set by the test."""

    town: Town

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
            accepted = (Outcome.REDEEMED, Reason.NONE) if affordable else (Outcome.LIMIT_REACHED, Reason.BUDGET)
            assert (said.outcome, said.reason, said.said_before) == (*accepted, False)
        elif first.idempotency_key == f"{key}:{typed.code}":
            assert (said.outcome, said.redemption_id, said.said_before) == (Outcome.REDEEMED, first.pk, True)
        else:
            own = first.pk if first.customer_id == customer.pk else None
            assert (said.outcome, said.redemption_id) == (Outcome.ALREADY_USED, own)

    # Workers

    @rule(number=some_payout)
    def worker_looks_at_a_payout(self, number: int) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            advance_disbursement(disbursement_id=payout.pk, at=self.town.at)

    @rule()
    def worker_looks_at_what_is_due(self) -> None:
        due = Disbursement.objects.filter(next_action_at__lte=self.town.at).order_by("next_action_at", "key")
        for payout in due:
            advance_disbursement(disbursement_id=payout.pk, at=self.town.at)

    @rule(
        step=st.sampled_from(sorted(PAYOUT_STEPS)),
        times=st.integers(1, 3),
        for_=st.sampled_from([SECOND, MINUTE, HOUR]),
    )
    def worker_dies(self, step: str, times: int, for_: timedelta) -> None:
        """A process that sweeps, killed at the step if it comes there."""
        self.town.at = self.town.workers.work(at=self.town.at, for_=for_, fatal=step, times=times).at

    @rule()
    def messages_are_sent(self) -> None:
        send_due(at=self.town.at)

    # Callbacks

    @rule()
    def callbacks_are_looked_at(self) -> None:
        for callback in ProviderCallback.objects.filter(processed_at=None).order_by("pk"):
            process_callback(callback_id=callback.pk, at=self.town.at)

    @rule(number=st.integers(0, 5))
    def callback_comes_again(self, number: int) -> None:
        for old in ProviderCallback.objects.order_by("pk")[number : number + 1]:
            self._call_back(old.reference, old.body)

    @rule(
        number=some_payout, status=st.sampled_from(["SUCCESSFUL", "FAILED", "PENDING"]), amount=st.integers(0, 10_000)
    )
    def somebody_forges_a_callback(self, number: int, status: str, amount: int) -> None:
        """Somebody who knows our references."""
        for payout in self.town.payouts()[number : number + 1]:
            for attempt in Attempt.objects.filter(disbursement=payout).order_by("-number")[:1]:
                self._call_back(str(attempt.pk), json.dumps({"status": status, "amount": str(amount)}))

    @rule(reference=st.sampled_from(STRANGERS), body=st.sampled_from(["", "{}", '{"status": "SUCCESSFUL"}', "[[["]))
    def somebody_calls_back_about_nothing_of_ours(self, reference: str, body: str) -> None:
        self._call_back(reference, body)

    def _call_back(self, reference: str, body: str) -> None:
        store_callback(
            provider="mtn_momo", reference=reference, method="PUT", headers={}, body=body, ip=None, at=self.town.at
        )

    # The provider

    @rule(number=st.integers(0, 2) | st.none())
    def provider_settles(self, number: int | None) -> None:
        self.town.settle_at_provider(number)

    @rule(mode=st.sampled_from(LOSING), on=st.sampled_from(["transfer", "status", "token"]), times=often)
    def answers_are_lost(self, mode: str, on: str, times: int | None) -> None:
        self._fault(mode, on=on, times=times, delayMs=0)

    @rule(mode=st.sampled_from(LOSING), percent=st.integers(10, 90), seed=st.integers(0, 1000))
    def answers_are_lost_now_and_then(self, mode: str, percent: int, seed: int) -> None:
        self._fault(mode, probability=percent / 100, seed=seed, delayMs=0)

    @rule(reason=st.sampled_from(REASONS), times=often)
    def provider_refuses(self, reason: str, times: int | None) -> None:
        self._fault("refuse", reason=reason, times=times)

    @rule(mode=st.sampled_from(["drop_callback", "duplicate_callback", "token_expired"]), times=often)
    def callbacks_and_tokens_go_astray(self, mode: str, times: int | None) -> None:
        self._fault(mode, times=times)

    @rule()
    def faults_are_mended(self) -> None:
        self._fault("none")

    @rule(amount=st.sampled_from([0, 5000, 12_000, 1_000_000]))
    def float_is_changed(self, amount: int) -> None:
        self.town.sandbox.set_float(amount, "RWF")

    def _fault(self, mode: str, **order: Any) -> None:
        self.town.sandbox.faults(mode, **{name: value for name, value in order.items() if value is not None})

    # Staff and the house

    @rule(number=some_payout)
    def staff_retry(self, number: int) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            with suppress(NotRetryable):
                retry_disbursement(disbursement_id=payout.pk, requested_by=self.town.keeper, reason="", at=self.town.at)

    @rule(number=some_payout)
    def staff_cancel(self, number: int) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            with suppress(NotCancellable):
                cancel_disbursement(
                    disbursement_id=payout.pk, cancelled_by=self.town.keeper, reason="", at=self.town.at
                )

    @rule(number=some_payout)
    def staff_approve(self, number: int) -> None:
        for payout in self.town.payouts()[number : number + 1]:
            with suppress(NotAwaitingApproval):
                approve_disbursement(disbursement_id=payout.pk, approved_by=self.town.keeper, at=self.town.at)

    @rule(environment=st.sampled_from([HOME, ABROAD]))
    def staff_send_elsewhere(self, environment: str) -> None:
        self.town.send_to(environment)

    @rule()
    def redis_forgets(self) -> None:
        self.town.forget_redis()

    @rule(jump=st.sampled_from(JUMPS))
    def clock_jumps(self, jump: timedelta) -> None:
        self.town.at += jump

    # Always, and in the end

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert self.town.broken_promises() == {}

    def teardown(self) -> None:
        self.town.bring_home()
        assert self.town.broken_promises() == {}
        assert self.town.unfinished() == []
