"""What the outside may do to a payout, which steps the payout then passes, and how it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection

from disbursements.models import ProviderBalance
from tests.crash.loan_steps import LOAN_GIVEN_UP, LOAN_PAID
from tests.crash.steps import (
    ASK,
    CALLBACK,
    CALLBACK_SETTLES,
    FINISH,
    FLOAT,
    GIVE_UP,
    NOTHING_SENT,
    REFUSE,
    RESEND,
    SEND,
    SETTLE,
    SMS,
    WAIT,
    Step,
)
from tests.support.sandbox_process import SandboxProcess

ASKED = {"question_committed": FINISH["question_committed"]}
PAID = {**FINISH, **SETTLE, **SMS}
FULL_FLOAT = 100_000_000
# The answer is lost after so long; real silence is cut by our own time-out, which tests of the client cover.
SILENCE = {"delayMs": 20}


@dataclass(frozen=True)
class Fault:
    """`mode` and `order` go to the sandbox. `steps` are all the steps a worker passes that meets the fault; `ends` is
    where it leaves the payout.
    """

    mode: str
    steps: dict[str, Step]
    order: dict[str, Any] = field(default_factory=dict)
    ends: str = "completed"
    is_float_short: bool = False
    # Of the float that runs short.
    currency: str = "RWF"
    # Asked for, and awaited before the clock moves on.
    callbacks: bool = False
    callback_comes_first: bool = False
    # What would spare the next payout the fault.
    forget: Callable[[], None] = lambda: None

    def strike(self, sandbox: SandboxProcess) -> None:
        sandbox.faults(self.mode, **self.order)
        if self.is_float_short:
            sandbox.set_float(0, self.currency)
        self.forget()

    def mend(self, sandbox: SandboxProcess) -> None:
        """The outside is well again, and lets go what it held."""
        sandbox.faults("none")
        if self.is_float_short:
            sandbox.set_float(FULL_FLOAT, self.currency)


def forget_tokens() -> None:
    """All workers share one token; afterwards none has any."""
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:momo:*", count=1000):
        client.delete(key)


def forget_shortness() -> None:
    """The next payout is the first to find the float short."""
    ProviderBalance.objects.update(short_since=None)


def _fault(mode: str, *steps: dict[str, Step], **changes: Any) -> Fault:
    about = {name: changes.pop(name) for name in list(changes) if name in Fault.__dataclass_fields__}
    return Fault(mode, {name: step for group in steps for name, step in group.items()}, changes, **about)


def _with_callback(mode: str, *steps: dict[str, Step], **changes: Any) -> Fault:
    return _fault(mode, SEND, ASK, PAID, *steps, callbacks=True, **changes)


# Twice, so that a worker that takes over may meet it too.
_LOST = (SEND, ASK, WAIT, RESEND, PAID)
FAULTS = {
    "none": _fault("none", SEND, ASK, PAID),
    "timeout_before_accept": _fault("timeout_before_accept", *_LOST, times=2, **SILENCE),
    "timeout_after_accept": _fault("timeout_after_accept", SEND, ASK, PAID, times=2, **SILENCE),
    "http_500_before_accept": _fault("http_500_before_accept", *_LOST, times=2),
    "http_500_after_accept": _fault("http_500_after_accept", SEND, ASK, PAID, times=2),
    "http_503": _fault("http_503", *_LOST, times=2),
    "status_timeout": _fault("timeout_after_accept", SEND, ASK, WAIT, PAID, on="status", times=2, **SILENCE),
    "status_503": _fault("http_503", SEND, ASK, WAIT, PAID, on="status", times=2),
    "token_500": _fault(
        "http_500_before_accept", SEND, NOTHING_SENT, ASK, PAID, on="token", times=2, forget=forget_tokens
    ),
    "token_expired": _fault("token_expired", SEND, ASK, PAID),
    # The new token is refused as well.
    "token_refused": _fault("token_expired", SEND, NOTHING_SENT, ASK, PAID, times=2),
    "callback_as_it_should": _with_callback("none", CALLBACK, CALLBACK_SETTLES, callback_comes_first=True),
    "drop_callback": _with_callback("drop_callback"),
    "duplicate_callback": _with_callback("duplicate_callback", CALLBACK, CALLBACK_SETTLES, callback_comes_first=True),
    # Long after the polls of one payout, also on a slow machine.
    "late_callback": _with_callback("late_callback", delayMs=8000),
    "stay_pending": _fault("stay_pending", SEND, ASK, WAIT, ASKED, ends="processing"),
    "refuse_for_now": _fault("refuse", SEND, ASK, REFUSE, PAID, reason="EXPIRED", times=1),
    "refuse_for_good": _fault(
        "refuse", SEND, ASK, REFUSE, GIVE_UP, FINISH, SMS, reason="PAYEE_NOT_FOUND", times=1, ends="failed"
    ),
    "float_short": _fault(
        "none", SEND, ASK, REFUSE, FLOAT, FINISH, is_float_short=True, forget=forget_shortness, ends="queued"
    ),
}

# Of promos' owner, and what stands in their place for a loan.
_OWNERS = {"owner_told": LOAN_PAID, "owner_told_of_failure": LOAN_GIVEN_UP}


def _of_a_loan(fault: Fault) -> Fault:
    steps: dict[str, Step] = {}
    for name, step in fault.steps.items():
        steps |= _OWNERS.get(name, {name: step})
    return replace(fault, steps=steps, currency="NGN")


LOAN_FAULTS = {name: _of_a_loan(fault) for name, fault in FAULTS.items()}
