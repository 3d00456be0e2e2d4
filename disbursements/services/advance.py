"""Look at one payout now: claim it and do the one right thing. Every step is a function of its own; between any two the
process may die, and the next worker goes on from what is stored.

    claim -> open attempt, commit -> send -> write down          (nothing was sent yet)
    claim -> ask -> settle | refuse | ask again later            (something may have been sent)
                 -> count the send, commit -> send the same -> write down   (the provider does not know it)
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from configuration.selectors import current, was_read
from disbursements import breaker
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement
from disbursements.providers.base import Answer, Outcome, Provider
from disbursements.providers.registry import provider_for
from disbursements.selectors import live_attempt
from disbursements.services.asking import ask_attempt, may_send_again, record_ask, resume_asking
from disbursements.services.claims import claim_disbursement, postpone
from disbursements.services.clock import Clock
from disbursements.services.floats import balance_behind, is_float_short, record_balance
from disbursements.services.sending import open_attempt, record_send, reopen_attempt, send_attempt
from disbursements.statuses import ErrorClass, WaitReason

logger = structlog.get_logger(__name__)


class Progress(StrEnum):
    """What looking at a payout came to."""

    NOT_OURS = "not_ours"
    HELD = "held"
    SENT = "sent"
    ASKED = "asked"


def advance_disbursement(*, disbursement_id: UUID | str, at: datetime) -> Progress:
    """Do the next thing for this payout, if it is due and no other worker is on it. Safe to call any number of times.

    Opens its own transactions and speaks to the provider between them: call it outside any.
    """
    if not was_read(PaymentSettings):
        # PostgreSQL was away when this process started. Defaults are not where our money is: the payout stays due.
        logger.warning("payout_settings_unread", disbursement=str(disbursement_id))
        return Progress.HELD
    disbursement = claim_disbursement(disbursement_id=disbursement_id, at=at)
    if disbursement is None:
        return Progress.NOT_OURS
    clock = Clock(at)
    attempt = live_attempt(disbursement.pk)
    if attempt is None or attempt.is_unsent:
        return _send_first(disbursement, clock=clock)
    return _ask(disbursement, attempt, clock=clock)


def _send_first(disbursement: Disbursement, *, clock: Clock) -> Progress:
    provider = provider_for(disbursement.provider)
    if _must_wait(disbursement, provider, clock=clock):
        return Progress.HELD
    attempt = open_attempt(disbursement_id=disbursement.pk, provider=provider, at=clock.now())
    if attempt is None:
        return Progress.NOT_OURS
    return _send(disbursement, attempt, provider, clock=clock)


def _ask(disbursement: Disbursement, attempt: Attempt, *, clock: Clock) -> Progress:
    if not resume_asking(disbursement=disbursement):
        return Progress.NOT_OURS
    there = provider_for(disbursement.provider, base_url=attempt.base_url, environment=attempt.environment)
    here = provider_for(disbursement.provider)
    outcome = ask_attempt(attempt=attempt, provider=there)
    if may_send_again(disbursement=disbursement, attempt=attempt, outcome=outcome, here=here, at=clock.now()):
        return _send_again(disbursement, attempt, here if attempt.was_answered_at_the_door else there, clock=clock)
    if outcome.answer == Answer.REFUSED and outcome.error_class == ErrorClass.CONFIGURATION:
        breaker.record_failure(there.slug)
    balance = balance_behind(outcome, disbursement=disbursement, provider=there, at=clock.now())
    record_ask(attempt=attempt, outcome=outcome, balance=balance, at=clock.now())
    if balance is not None:
        record_balance(there, balance, at=clock.now())
    return Progress.ASKED


def _send_again(disbursement: Disbursement, attempt: Attempt, provider: Provider, *, clock: Clock) -> Progress:
    if _must_wait(disbursement, provider, clock=clock):
        return Progress.HELD
    counted = reopen_attempt(attempt=attempt, provider=provider, at=clock.now())
    if counted is None:
        return Progress.NOT_OURS
    return _send(disbursement, counted, provider, clock=clock)


def _send(disbursement: Disbursement, attempt: Attempt, provider: Provider, *, clock: Clock) -> Progress:
    outcome = send_attempt(disbursement=disbursement, attempt=attempt, provider=provider)
    _tell_breaker(provider, outcome)
    balance = balance_behind(outcome, disbursement=disbursement, provider=provider, at=clock.now())
    record_send(attempt=attempt, outcome=outcome, balance=balance, at=clock.now())
    if balance is not None:
        record_balance(provider, balance, at=clock.now())
    return Progress.SENT


def _must_wait(disbursement: Disbursement, provider: Provider, *, clock: Clock) -> bool:
    """Put the payout off while it must not be sent, or sending it is known to be no use. Uses up no try."""
    payments = current(PaymentSettings)
    if disbursement.is_blocked:
        pause, reason = payments.poll_delays_seconds[-1], WaitReason.ALARM
    elif is_float_short(disbursement, provider, at=clock.now()):
        pause, reason = payments.float_recheck_seconds, WaitReason.FLOAT_SHORT
    elif not breaker.allow(provider.slug):
        pause, reason = payments.breaker_open_seconds, WaitReason.PROVIDER_PAUSED
    else:
        return False
    postpone(disbursement.pk, until=clock.now() + timedelta(seconds=pause), wait_reason=reason)
    return True


def _tell_breaker(provider: Provider, outcome: Outcome) -> None:
    """Our set-up being refused counts like no answer: the next payout would fare no better."""
    if outcome.error_class == ErrorClass.CONFIGURATION:
        breaker.record_failure(provider.slug)
    else:
        breaker.record_outcome(provider.slug, outcome)
