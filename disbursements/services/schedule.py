"""When to look at a payout again. All of it stands in the row (architecture section 2)."""

from datetime import datetime, timedelta

from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement

# Purposes without a schedule of their own in the settings.
DEFAULT_RETRY_DELAYS = (60, 300, 900, 1800, 3600)


def next_poll(payments: PaymentSettings, *, polls: int, at: datetime) -> datetime:
    """After `polls` questions; the last delay repeats."""
    return at + timedelta(seconds=_step(payments.poll_delays_seconds, polls))


def next_try(payments: PaymentSettings, *, purpose: str, tries: int, at: datetime) -> datetime:
    """After `tries` refused tries; the last delay repeats."""
    delays = payments.retry_delays_seconds.get(purpose, DEFAULT_RETRY_DELAYS)
    return at + timedelta(seconds=_step(delays, tries - 1))


def may_try_again(payments: PaymentSettings, disbursement: Disbursement) -> bool:
    """Whether one more refused try leaves another."""
    return disbursement.tries < payments.max_retries


def resend_time(payments: PaymentSettings, attempt: Attempt) -> datetime:
    """When a reference the provider does not know may be sent again; a transfer may show up a moment late."""
    return (attempt.sent_at or attempt.created_at) + timedelta(seconds=payments.resend_after_seconds)


def _step(delays: tuple[int, ...], number: int) -> int:
    return delays[min(max(number, 0), len(delays) - 1)]
