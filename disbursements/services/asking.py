"""Asking the provider what became of a reference, where it was sent, and writing down what was said."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.locks import lock_attempt, lock_disbursement
from disbursements.models import Attempt, Disbursement
from disbursements.providers.base import Answer, FloatBalance, Outcome, Provider
from disbursements.services.alarms import raise_alarm
from disbursements.services.connections import release_connection
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.refusals import error_fields, give_up
from disbursements.services.schedule import next_poll, resend_time
from disbursements.services.settlement import settle_paid, settle_refused
from disbursements.services.transitions import move, move_attempt, update
from disbursements.statuses import Alarm, AttemptStatus, DisbursementStatus, ErrorClass, WaitReason

# Code of an answer that only the API user who sent the reference could give.
OTHER_USER = "OTHER_API_USER"


def resume_asking(*, disbursement: Disbursement) -> bool:
    """A queued payout whose reference may be known to the provider goes back to processing before it is asked about.

    False when it is no longer queued or processing.
    """
    with transaction.atomic(durable=True):
        locked = lock_disbursement(disbursement.pk)
        if locked.status == DisbursementStatus.QUEUED:
            move(
                locked,
                to=DisbursementStatus.PROCESSING,
                next_action_at=locked.next_action_at,
                claimed_until=locked.claimed_until,
                # Who waits for float goes on waiting while we ask: the balance is judged by who waits.
                wait_reason=locked.wait_reason if locked.wait_reason == WaitReason.FLOAT_SHORT else WaitReason.NONE,
            )
        return locked.status == DisbursementStatus.PROCESSING


def ask_attempt(*, attempt: Attempt, provider: Provider) -> Outcome:
    """What became of this reference. HTTP only: no transaction may be open (rule 16).

    That another API user than the one who sent it does not find it says nothing: a person must look.
    """
    release_connection()
    outcome = provider.ask(attempt.reference)
    if outcome.answer != Answer.NOT_FOUND or is_same_place(attempt, provider):
        return outcome
    words = f"Sent as API user {attempt.api_user or 'none'}: only that user can ask about it."
    return replace(
        outcome, answer=Answer.NOT_ASKED, error_class=ErrorClass.CONFIGURATION, code=OTHER_USER, message=words
    )


def record_ask(*, attempt: Attempt, outcome: Outcome, balance: FloatBalance | None, at: datetime) -> bool:
    """Write down what the provider said. True when that settled or refused something.

    `balance` is our float, looked up when money was said to be short.
    """
    if outcome.answer == Answer.PAID:
        return settle_paid(attempt=attempt, outcome=outcome, at=at)
    if outcome.answer == Answer.REFUSED:
        return settle_refused(attempt=attempt, outcome=outcome, balance=balance, at=at)
    record_unsettled(attempt=attempt, outcome=outcome, at=at)
    return False


def record_unsettled(*, attempt: Attempt, outcome: Outcome, at: datetime) -> None:
    """Not final: ask again later, less and less often; or the last look at what the door turned away, which is then
    given up. Does nothing when another worker has learned more meanwhile.
    """
    payments = current(PaymentSettings)
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(attempt.disbursement_id)
        attempt = lock_attempt(attempt.pk)
        if disbursement.status != DisbursementStatus.PROCESSING or attempt.status in AttemptStatus.FINAL:
            return
        move_attempt(
            attempt,
            to=_status_learned(attempt, outcome),
            polls=attempt.polls + (not _is_early(attempt, payments, at=at)),
            last_polled_at=at,
            http_status=outcome.http_status,
            **error_fields(outcome),
        )
        if _was_last_look(disbursement, attempt, outcome, payments, at=at):
            give_up(disbursement, attempt, at=at)
            return
        ask_at = next_poll(payments, polls=attempt.polls, at=at)
        if outcome.answer == Answer.NOT_FOUND and attempt.status != AttemptStatus.ACCEPTED:
            # Not there yet, or never there: look when the same reference may be sent again, at the latest.
            ask_at = min(ask_at, max(resend_time(payments, attempt), next_poll(payments, polls=0, at=at)))
        # Known there after all: it may be paid.
        reason = WaitReason.NONE if outcome.answer == Answer.PENDING else disbursement.wait_reason
        update(disbursement, next_action_at=ask_at, claimed_until=None, wait_reason=reason)
        nudge_disbursement(disbursement.pk, after_seconds=(ask_at - at).total_seconds())
        if _is_lost(attempt, outcome, payments, at=at):
            raise_alarm(disbursement, Alarm.LOST, detail=f"{attempt.pk} at {attempt.base_url}", at=at)
        elif outcome.error_class == ErrorClass.CONFIGURATION:
            raise_alarm(disbursement, Alarm.CONFIGURATION, detail=f"{outcome.code} {outcome.message}".strip(), at=at)


def may_send_again(
    *, disbursement: Disbursement, attempt: Attempt, outcome: Outcome, here: Provider, at: datetime
) -> bool:
    """Whether the same reference may be sent again after this answer.

    Only when the provider does not know it, and has had time to. An accepted reference never: should the provider
    have forgotten it, it would pay twice. A reference turned away for certain, where we no longer send, needs no
    answer from there: a wrong address or environment could not give one.
    """
    if outcome.answer in (Answer.PAID, Answer.REFUSED, Answer.PENDING) or attempt.status == AttemptStatus.ACCEPTED:
        return False
    if disbursement.wait_reason == WaitReason.LAST_LOOK:
        return False
    if attempt.was_answered_at_the_door and not is_same_place(attempt, here):
        return True
    if outcome.answer != Answer.NOT_FOUND:
        return False
    return attempt.was_answered_at_the_door or resend_time(current(PaymentSettings), attempt) <= at


def is_same_place(attempt: Attempt, here: Provider) -> bool:
    """Whether this provider is where, and as whom, the attempt was sent."""
    return attempt.place == (here.base_url, here.environment, here.api_user)


def _status_learned(attempt: Attempt, outcome: Outcome) -> AttemptStatus:
    if outcome.answer == Answer.PENDING:
        return AttemptStatus.ACCEPTED
    if attempt.status == AttemptStatus.CREATED:
        # The worker that was to send it died: it may have left.
        return AttemptStatus.UNKNOWN
    return AttemptStatus(attempt.status)


def _is_early(attempt: Attempt, payments: PaymentSettings, *, at: datetime) -> bool:
    """Whether a callback made us ask before the schedule would. It does not count: else whoever sends many callbacks
    would slow the payout down.
    """
    last = attempt.last_polled_at
    return last is not None and at < next_poll(payments, polls=attempt.polls, at=last)


def _was_last_look(
    disbursement: Disbursement, attempt: Attempt, outcome: Outcome, payments: PaymentSettings, *, at: datetime
) -> bool:
    """Whether it was turned away for good, and no earlier send of it can be on its way any more."""
    if disbursement.wait_reason != WaitReason.LAST_LOOK or attempt.status != AttemptStatus.TURNED_AWAY:
        return False
    return outcome.answer == Answer.NOT_FOUND and resend_time(payments, attempt) <= at


def _is_lost(attempt: Attempt, outcome: Outcome, payments: PaymentSettings, *, at: datetime) -> bool:
    if outcome.answer != Answer.NOT_FOUND or attempt.status != AttemptStatus.ACCEPTED:
        return False
    return resend_time(payments, attempt) <= at
