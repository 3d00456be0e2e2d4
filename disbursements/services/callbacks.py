"""Callbacks: stored whole before they are believed, and then only a hint to ask (house style, rule 17)."""

import json
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from configuration.selectors import current, was_read
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement, ProviderCallback
from disbursements.providers.base import Answer
from disbursements.providers.registry import provider_for
from disbursements.selectors import find_attempt
from disbursements.services.advance import Progress, advance_disbursement
from disbursements.services.asking import ask_attempt, record_ask
from disbursements.services.claims import bring_forward, is_claimed
from disbursements.services.nudges import nudge_callback
from disbursements.services.schedule import next_poll
from disbursements.statuses import AttemptStatus, CallbackResult, DisbursementStatus

logger = structlog.get_logger(__name__)

# What a callback says in the words of the status call, and the attempt that agrees with it (mobile money notes A8).
_AGREES = {"SUCCESSFUL": AttemptStatus.SUCCEEDED, "FAILED": AttemptStatus.REFUSED}

# An answer to a question about something settled that leaves the matter open: ask again.
_OPEN_ANSWERS = (Answer.UNKNOWN, Answer.NOT_ASKED, Answer.NOT_FOUND)
GIVE_UP_ASKING_AFTER = timedelta(days=1)
# Anybody can send callbacks who knows a payout's external id: many of them cause one question in so long.
ASKED_AT_MOST_EVERY = timedelta(seconds=5)

_CONTRADICTIONS = {(Answer.PAID, AttemptStatus.REFUSED), (Answer.REFUSED, AttemptStatus.SUCCEEDED)}


def store_callback(
    *,
    provider: str,
    reference: str,
    method: str,
    headers: dict[str, str],
    body: str,
    ip: str | None,
    at: datetime,
) -> ProviderCallback:
    """Keep what came, as it came, and have a worker look at it. Nothing is read from it here."""
    with transaction.atomic():
        callback = ProviderCallback.objects.create(
            provider=provider,
            reference=reference[:64],
            method=method[:8],
            headers=headers,
            body=body,
            ip=ip,
            received_at=at,
        )
        nudge_callback(callback.pk)
    return callback


def claimed_attempt(*, reference: str, body: str) -> Attempt | None:
    """The attempt that a callback speaks of, by the reference in its path or the external id in its body."""
    return find_attempt(reference=reference, external_id=_text(_read(body).get("externalId")))


def process_callback(*, callback_id: int, at: datetime) -> CallbackResult:
    """Ask the provider about what a stored callback names, and act on the answer alone.

    Stays pending while a worker is on the payout, and while the provider gives no final word about one that is settled;
    the sweep comes back to it, less and less often. Safe to run twice.
    """
    callback = ProviderCallback.objects.get(pk=callback_id)
    if callback.processed_at or (callback.look_again_at and callback.look_again_at > at):
        return CallbackResult(callback.result)
    if not was_read(PaymentSettings):
        # Nobody to ask: this process has not been told yet who our provider is.
        return CallbackResult.PENDING
    claim = _read(callback.body)
    attempt = claimed_attempt(reference=callback.reference, body=callback.body)
    if attempt is None:
        logger.warning("callback_of_unknown_reference", callback=callback.pk, reference=callback.reference)
        return _finish(callback, CallbackResult.UNKNOWN_REFERENCE, at=at)
    if _AGREES.get(str(claim.get("status"))) == attempt.status:
        return _finish(callback, CallbackResult.NO_CHANGE, at=at)
    if attempt.disbursement.status == DisbursementStatus.PROCESSING and attempt.status not in AttemptStatus.FINAL:
        result = _look_now(attempt, at=at)
    else:
        result = _ask_about_settled(callback, attempt, at=at)
    return result if result == CallbackResult.PENDING else _finish(callback, result, at=at)


def _look_now(attempt: Attempt, *, at: datetime) -> CallbackResult:
    """Look at a payout under way; when it was asked about a moment ago, as soon as that pause is over."""
    if attempt.last_polled_at and (again_at := attempt.last_polled_at + ASKED_AT_MOST_EVERY) > at:
        if is_claimed(attempt.disbursement, at=at):
            return CallbackResult.PENDING
        bring_forward(attempt.disbursement_id, at=again_at)
        return CallbackResult.NO_CHANGE
    bring_forward(attempt.disbursement_id, at=at)
    progress = advance_disbursement(disbursement_id=attempt.disbursement_id, at=at)
    disbursement = Disbursement.objects.get(pk=attempt.disbursement_id)
    if progress == Progress.NOT_OURS and is_claimed(disbursement, at=at):
        return CallbackResult.PENDING
    attempt.refresh_from_db()
    return CallbackResult.SETTLED if attempt.status in AttemptStatus.FINAL else CallbackResult.NO_CHANGE


def _ask_about_settled(callback: ProviderCallback, attempt: Attempt, *, at: datetime) -> CallbackResult:
    """The payout or this attempt is settled and the callback does not say the same: the provider's word decides whether
    a person must look. Money found paid after we gave up is settled.
    """
    disbursement = attempt.disbursement
    there = provider_for(disbursement.provider, base_url=attempt.base_url, environment=attempt.environment)
    outcome = ask_attempt(attempt=attempt, provider=there)
    if record_ask(attempt=attempt, outcome=outcome, balance=None, at=at):
        return CallbackResult.SETTLED
    if outcome.answer in _OPEN_ANSWERS:
        return _look_again_later(callback, at=at)
    attempt.refresh_from_db()
    contradicts = (outcome.answer, attempt.status) in _CONTRADICTIONS
    return CallbackResult.CONTRADICTS if contradicts else CallbackResult.NO_CHANGE


def _look_again_later(callback: ProviderCallback, *, at: datetime) -> CallbackResult:
    if callback.received_at + GIVE_UP_ASKING_AFTER <= at:
        return CallbackResult.UNANSWERED
    callback.look_again_at = next_poll(current(PaymentSettings), polls=callback.looks, at=at)
    callback.looks += 1
    callback.save(update_fields=["looks", "look_again_at"])
    return CallbackResult.PENDING


def _finish(callback: ProviderCallback, result: CallbackResult, *, at: datetime) -> CallbackResult:
    callback.result = result
    callback.processed_at = at
    callback.save(update_fields=["result", "processed_at"])
    return result


def _read(body: str) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str:
    """A word of the body that may be looked up: JSON can write NUL and half characters, PostgreSQL refuses both."""
    return value.encode("utf-8", "ignore").decode().replace("\x00", "") if isinstance(value, str) else ""
