"""Where a process can be killed: every step of a payout, of a callback, and of a redemption.

A step is named by the function as its caller looks it up, and whether it has been done already. A function that is
missing makes the worker process fail at its start, so a renamed one cannot drop out of the matrix unseen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ADVANCE = "disbursements.services.advance"
ASKING = "disbursements.services.asking"
CALLBACKS = "disbursements.services.callbacks"
REFUSALS = "disbursements.services.refusals"
SENDING = "disbursements.services.sending"
SETTLEMENT = "disbursements.services.settlement"
CLIENT = "disbursements.providers.mtn_momo.calls"
TRANSPORT = "outbound.exchange"
OWNER = "promos.services.payouts.PromoPayouts"
REDEMPTIONS = "promos.services.redemptions"
# The worker process puts its own in-tray here: what goes through it would be on its way to the broker.
NUDGE = "celery.app.task.Task.apply_async"


@dataclass(frozen=True)
class Step:
    """`where` names a function; the step is passed just before or just after a call of it that `only` lets count."""

    where: str
    side: Literal["before", "after"] = "after"
    only: Callable[..., bool] = lambda *_args, **_kwargs: True


def _sends(*, method: str, **_kwargs: Any) -> bool:
    return method == "POST"


def _asks(*, method: str, url: str, **_kwargs: Any) -> bool:
    return method == "GET" and "/transfer/" in url


def _has_sent(connection: Any) -> bool:
    sent = connection._response_options
    return sent.request_method == "POST" and sent.request_url.endswith("/transfer")


def _has_asked(connection: Any) -> bool:
    sent = connection._response_options
    return sent.request_method == "GET" and "/transfer/" in sent.request_url


def _nudges(name: str) -> Callable[..., bool]:
    return lambda task, *_args, **_kwargs: task.name == name


def _is_about_money(outcome: Any, **_kwargs: Any) -> bool:
    return bool(outcome.error_class == "float")


# In the order in which a payout passes them.
SEND = {
    "due": Step(f"{ADVANCE}.claim_disbursement", "before"),
    "claimed": Step(f"{ADVANCE}.claim_disbursement"),
    "attempt_written": Step(f"{SENDING}._create_attempt"),
    "attempt_committed": Step(f"{ADVANCE}.open_attempt"),
    "transfer_ready": Step(f"{CLIENT}.exchange", "before", _sends),
    "transfer_left": Step(f"{TRANSPORT}._Watched.getresponse", "before", _has_sent),
    "transfer_answered": Step(f"{ADVANCE}.send_attempt"),
    "breaker_told": Step(f"{ADVANCE}._tell_breaker"),
    "answer_written": Step(f"{SENDING}.move_attempt"),
    "answer_committed": Step(f"{ADVANCE}.record_send"),
}
# The token could not be had, so nothing left.
NOTHING_SENT = {"nothing_sent_written": Step(f"{SENDING}._record_nothing_sent")}
ASK = {
    "asking_again": Step(f"{ADVANCE}.resume_asking"),
    "question_ready": Step(f"{CLIENT}.exchange", "before", _asks),
    "question_left": Step(f"{TRANSPORT}._Watched.getresponse", "before", _has_asked),
    "question_answered": Step(f"{ADVANCE}.ask_attempt"),
}
# Not final: the next look is written down.
WAIT = {"wait_written": Step(f"{ASKING}.move_attempt")}
RESEND = {"resend_committed": Step(f"{ADVANCE}.reopen_attempt")}
# Final, whichever way.
FINISH = {
    "attempt_finished": Step(f"{SETTLEMENT}.move_attempt"),
    "question_committed": Step(f"{ADVANCE}.record_ask"),
}
SETTLE = {
    "payout_moved": Step(f"{SETTLEMENT}.move"),
    "owner_told": Step(f"{OWNER}.on_paid"),
    "money_posted": Step(f"{SETTLEMENT}.settle_money"),
    "settlement_recorded": Step(f"{SETTLEMENT}.record"),
}
# Committed; the customer's SMS stands in its table, and nobody has been told to send it.
SMS = {"sms_not_nudged": Step(NUDGE, "before", _nudges("notifications.send_message"))}
REFUSE = {
    "refusal_judged": Step(f"{SETTLEMENT}.judge_refusal"),
    "refusal_recorded": Step(f"{REFUSALS}.record"),
    "refusal_applied": Step(f"{SETTLEMENT}.apply_refusal"),
}
GIVE_UP = {
    "owner_told_of_failure": Step(f"{OWNER}.on_failed"),
    "money_released": Step(f"{REFUSALS}.release_money"),
}
FLOAT = {
    "balance_read": Step(f"{ADVANCE}.balance_behind", "after", _is_about_money),
    "balance_stored": Step(f"{ADVANCE}.record_balance"),
}
CALLBACK = {
    "callback_read": Step(f"{CALLBACKS}.find_attempt"),
    "callback_finished": Step(f"{CALLBACKS}._finish"),
}
# The callback comes before the poll and does its work.
CALLBACK_SETTLES = {
    "payout_brought_forward": Step(f"{CALLBACKS}.bring_forward"),
    "payout_advanced": Step(f"{CALLBACKS}.advance_disbursement"),
}
REDEEM = {
    "try_counted": Step("promos.throttles.begin_try"),
    "customer_locked": Step(f"{REDEMPTIONS}.lock_customer"),
    "code_locked": Step(f"{REDEMPTIONS}.lock_code"),
    "budget_taken": Step(f"{REDEMPTIONS}.take_from_budget"),
    "payout_requested": Step(f"{REDEMPTIONS}.request_disbursement"),
    "redemption_written": Step(f"{REDEMPTIONS}.record", "before"),
    "redemption_recorded": Step(f"{REDEMPTIONS}.record"),
}
REDEEMED = {
    "payout_not_nudged": Step(NUDGE, "before", _nudges("disbursements.advance")),
    "payout_nudged": Step(NUDGE, "after", _nudges("disbursements.advance")),
    "words_chosen": Step("ussd.journeys.promo.redeem_code"),
    "words_kept": Step("ussd.store.Store.keep"),
}

HEAR_CALLBACK = {
    "callback_written": Step(f"{CALLBACKS}.nudge_callback"),
    "callback_committed": Step("disbursements.api.callbacks.store_callback"),
}

PAYOUT_STEPS = {
    **SEND,
    **NOTHING_SENT,
    **ASK,
    **WAIT,
    **RESEND,
    **FINISH,
    **SETTLE,
    **SMS,
    **REFUSE,
    **GIVE_UP,
    **FLOAT,
    **CALLBACK,
    **CALLBACK_SETTLES,
}
WEB_STEPS = {**REDEEM, **REDEEMED, **HEAR_CALLBACK}
