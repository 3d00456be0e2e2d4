"""Sending: store the reference, commit, then speak, then write down what was said.

`sends` counts what may have left. It is raised and committed before the bytes go, and lowered again only when the
provider's client says that nothing went. So an attempt with `sends` 0 has never left, and one that was turned away
with `sends` 1 has been answered for certain.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.locks import lock_attempt, lock_disbursement
from disbursements.models import Attempt, Disbursement
from disbursements.providers.base import Answer, FloatBalance, Outcome, Provider, Transfer
from disbursements.selectors import live_attempt
from disbursements.services.alarms import raise_alarm
from disbursements.services.asking import is_same_place
from disbursements.services.claims import claim_length
from disbursements.services.connections import release_connection
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.refusals import apply_refusal, error_fields
from disbursements.services.schedule import next_poll
from disbursements.services.transitions import move, move_attempt, update, update_attempt
from disbursements.statuses import Alarm, AttemptStatus, DisbursementStatus, ErrorClass, WaitReason

logger = structlog.get_logger(__name__)

_OPEN = (DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING)
# An accepted reference is never sent again: should the provider have forgotten it, it would pay twice.
_SENDABLE = frozenset({AttemptStatus.CREATED, AttemptStatus.UNKNOWN, AttemptStatus.TURNED_AWAY})


def open_attempt(*, disbursement_id: UUID, provider: Provider, at: datetime) -> Attempt | None:
    """Store and commit the reference that is about to be sent: a new one, or the one that never left.

    Looks again under the lock; None when the payout was cancelled, stands under an alarm that money may have moved, or
    another worker has opened an attempt.
    """
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(disbursement_id)
        attempt = live_attempt(disbursement.pk)
        if disbursement.is_blocked or disbursement.status not in _OPEN:
            return None
        if attempt is None:
            attempt = _create_attempt(disbursement, provider, at=at)
        elif attempt.is_unsent:
            attempt = lock_attempt(attempt.pk)
            _count_send(attempt, provider, at=at)
        else:
            return None
        _mark_processing(disbursement, provider, at=at)
    return attempt


def reopen_attempt(*, attempt: Attempt, provider: Provider, at: datetime) -> Attempt | None:
    """Count and commit that the same reference is about to be sent again. None when that is no longer right: also when
    another worker has counted a send since `attempt` was read, which may have gone to another place.
    """
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(attempt.disbursement_id)
        read, attempt = attempt, lock_attempt(attempt.pk)
        if (attempt.sends, attempt.place) != (read.sends, read.place):
            return None
        if disbursement.is_blocked or disbursement.status != DisbursementStatus.PROCESSING:
            return None
        if attempt.status not in _SENDABLE:
            return None
        if not (is_same_place(attempt, provider) or attempt.was_answered_at_the_door):
            return None
        _count_send(attempt, provider, at=at)
        _mark_processing(disbursement, provider, at=at)
    return attempt


def send_attempt(*, disbursement: Disbursement, attempt: Attempt, provider: Provider) -> Outcome:
    """Hand the transfer to the provider. HTTP only: no transaction may be open (rule 16)."""
    release_connection()
    return provider.send(
        Transfer(
            reference=attempt.reference,
            external_id=attempt.external_id,
            payee=disbursement.payee,
            amount=disbursement.amount,
            currency=disbursement.currency,
            payer_message=f"Payout {attempt.external_id}",
            # The payee reads it. Our ids stay out: whoever knows one can write a callback about it.
            payee_note="Payment",
        )
    )


def record_send(*, attempt: Attempt, outcome: Outcome, balance: FloatBalance | None, at: datetime) -> None:
    """Write down what the provider said to a send. `balance` is our float, looked up when money was said to be short.

    When another worker has sent, settled or given up meanwhile, only what cannot be learned from the provider later is
    kept; that a send got through after all, a person must hear.
    """
    payments = current(PaymentSettings)
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(attempt.disbursement_id)
        counted, attempt = attempt, lock_attempt(attempt.pk)
        if disbursement.status in DisbursementStatus.SETTLED or attempt.status not in _SENDABLE:
            _record_overtaken(disbursement, attempt, outcome, at=at)
            return
        if disbursement.status != DisbursementStatus.PROCESSING or attempt.sends > counted.sends:
            _record_late(attempt, outcome, at=at)
            return
        match outcome.answer:
            case Answer.ACCEPTED:
                move_attempt(attempt, to=AttemptStatus.ACCEPTED, http_status=outcome.http_status, **error_fields())
                _look_again(disbursement, attempt, payments, at=at)
            case Answer.TURNED_AWAY:
                move_attempt(
                    attempt,
                    to=AttemptStatus.TURNED_AWAY,
                    sent_at=at,
                    http_status=outcome.http_status,
                    **error_fields(outcome),
                )
                apply_refusal(disbursement, attempt, outcome, balance=balance, payments=payments, at=at)
            case Answer.BLOCKED:
                _record_blocked(disbursement, attempt, outcome, payments, at=at)
            case Answer.NOT_ASKED:
                _record_nothing_sent(disbursement, attempt, outcome, payments, at=at)
            case _:
                move_attempt(
                    attempt,
                    to=AttemptStatus.UNKNOWN,
                    sent_at=at,
                    http_status=outcome.http_status,
                    **error_fields(outcome),
                )
                _look_again(disbursement, attempt, payments, at=at)


def _record_late(attempt: Attempt, outcome: Outcome, *, at: datetime) -> None:
    """The reference was sent again, or put off, while this send was under way: who did that decides what follows."""
    logger.warning("payout_send_late", reference=str(attempt.pk), answer=outcome.answer.value)
    match outcome.answer:
        case Answer.ACCEPTED:
            move_attempt(attempt, to=AttemptStatus.ACCEPTED, http_status=outcome.http_status)
        case Answer.NOT_ASKED:
            update_attempt(attempt, sends=attempt.sends - 1)
        case _:
            update_attempt(attempt, sent_at=at)


def _record_overtaken(disbursement: Disbursement, attempt: Attempt, outcome: Outcome, *, at: datetime) -> None:
    """Settled, given up or known better meanwhile. What may have been sent after we gave up calls a person."""
    logger.info("payout_send_overtaken", reference=str(attempt.pk), answer=outcome.answer.value)
    if attempt.status == AttemptStatus.TURNED_AWAY:
        got_through = outcome.answer in (Answer.ACCEPTED, Answer.UNKNOWN)
    else:
        # That a refused reference is known (409) is nothing new.
        is_new = outcome.answer == Answer.ACCEPTED and outcome.http_status != HTTPStatus.CONFLICT
        got_through = attempt.status == AttemptStatus.REFUSED and is_new
    if got_through:
        detail = f"{attempt.pk}: {outcome.answer} {outcome.code}".strip()
        raise_alarm(disbursement, Alarm.OVERTAKEN, detail=detail, at=at)


def _create_attempt(disbursement: Disbursement, provider: Provider, *, at: datetime) -> Attempt:
    number = disbursement.attempts.count() + 1
    return Attempt.objects.create(
        reference=uuid4(),
        disbursement=disbursement,
        number=number,
        external_id=f"{disbursement.pk}-{number}",
        environment=provider.environment,
        base_url=provider.base_url,
        api_user=provider.api_user,
        sends=1,
        sent_at=at,
    )


def _count_send(attempt: Attempt, provider: Provider, *, at: datetime) -> None:
    update_attempt(
        attempt,
        sends=attempt.sends + 1,
        sent_at=at,
        environment=provider.environment,
        base_url=provider.base_url,
        api_user=provider.api_user,
    )


def _mark_processing(disbursement: Disbursement, provider: Provider, *, at: datetime) -> None:
    until = at + claim_length()
    changes = {
        "next_action_at": until,
        "claimed_until": until,
        "wait_reason": WaitReason.NONE,
        "environment": provider.environment,
        "base_url": provider.base_url,
        "last_attempt_at": at,
    }
    if disbursement.status == DisbursementStatus.QUEUED:
        move(disbursement, to=DisbursementStatus.PROCESSING, **changes)
    else:
        update(disbursement, **changes)


def _look_again(disbursement: Disbursement, attempt: Attempt, payments: PaymentSettings, *, at: datetime) -> None:
    poll_at = next_poll(payments, polls=attempt.polls, at=at)
    update(disbursement, next_action_at=poll_at, claimed_until=None, wait_reason=WaitReason.NONE)
    nudge_disbursement(disbursement.pk, after_seconds=(poll_at - at).total_seconds())


def _record_nothing_sent(
    disbursement: Disbursement, attempt: Attempt, outcome: Outcome, payments: PaymentSettings, *, at: datetime
) -> None:
    """No try is used up. A reference that has never left waits in the queue and may go elsewhere later."""
    update_attempt(attempt, sends=attempt.sends - 1, **error_fields(outcome))
    _put_off(disbursement, outcome, payments, is_queued=attempt.is_unsent, at=at)


def _record_blocked(
    disbursement: Disbursement, attempt: Attempt, outcome: Outcome, payments: PaymentSettings, *, at: datetime
) -> None:
    """Nothing is said about this payout: it waits, no try is used up, and the customer hears nothing."""
    words = {"http_status": outcome.http_status, **error_fields(outcome)}
    move_attempt(attempt, to=AttemptStatus.TURNED_AWAY, sent_at=at, **words)
    _put_off(disbursement, outcome, payments, is_queued=True, at=at)


def _put_off(
    disbursement: Disbursement, outcome: Outcome, payments: PaymentSettings, *, is_queued: bool, at: datetime
) -> None:
    changes = {
        "next_action_at": at + timedelta(seconds=payments.breaker_open_seconds),
        "claimed_until": None,
        "wait_reason": WaitReason.PROVIDER_PAUSED,
        "error_class": outcome.error_class or "",
        **error_fields(outcome),
    }
    if is_queued:
        move(disbursement, to=DisbursementStatus.QUEUED, **changes)
    else:
        update(disbursement, **changes)
    if outcome.error_class == ErrorClass.CONFIGURATION:
        raise_alarm(disbursement, Alarm.CONFIGURATION, detail=f"{outcome.code} {outcome.message}".strip(), at=at)
