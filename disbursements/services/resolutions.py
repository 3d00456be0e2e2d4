"""When money may have moved that is not booked, a person ends it, and the provider's word decides.

Every reference of the payout is asked about again, with no transaction open; then the payout is locked, and only if
nothing was sent meanwhile does what was heard count.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.locks import lock_attempts, lock_disbursement
from disbursements.models import Attempt, Disbursement
from disbursements.providers.base import Answer, Outcome
from disbursements.providers.registry import provider_for
from disbursements.selectors import live_attempt
from disbursements.services.alarms import raise_alarm, take_alarm_off
from disbursements.services.asking import ask_attempt, is_same_place
from disbursements.services.claims import is_claimed
from disbursements.services.decisions import MakerIsChecker
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.settlement import find_difference, is_transaction_used, settle
from disbursements.services.transitions import move, move_attempt, update
from disbursements.statuses import Alarm, AttemptStatus, DisbursementStatus, WaitReason


class NotResolvable(ValueError):
    """The payout is not in doubt, a worker is on it, or what the provider says does not allow this decision."""

    code = "NOT_RESOLVABLE"


@dataclass(frozen=True)
class Heard:
    """One reference, as it stood when the provider was asked, and what the provider said."""

    attempt: Attempt
    outcome: Outcome

    @property
    def is_paid(self) -> bool:
        return self.outcome.answer == Answer.PAID

    @property
    def words(self) -> str:
        return f"{self.attempt.pk}: {self.outcome.answer.replace('_', ' ')} {self.outcome.code}".strip()

    def is_unpaid(self, *, safe_age: timedelta, at: datetime) -> bool:
        """Never left, refused, or unknown to the provider for so long that it will not arrive any more."""
        if self.attempt.sends == 0 or self.outcome.answer == Answer.REFUSED:
            return True
        last_sent = self.attempt.sent_at or self.attempt.created_at
        return self.outcome.answer == Answer.NOT_FOUND and last_sent + safe_age <= at


def settle_on_word(*, disbursement_id: UUID, decided_by: User, reason: str, at: datetime) -> Disbursement:
    """Ask about every reference again and book the one that was paid; the only way from refused to paid.

    What the provider reports otherwise than we asked is kept in the audit trail; book a difference of money by hand.
    With two references paid nothing is booked and the alarm stays. Raises NotResolvable. Opens its own transactions.
    """
    heard = _ask_all(disbursement_id, at=at)
    paid = [one for one in heard if one.is_paid]
    if len(paid) > 1:
        _record_double_payment(disbursement_id, paid, decided_by, at=at)
        raise NotResolvable(f"{len(paid)} references were really paid. Take it up with the provider. {_say(paid)}")
    if not paid:
        raise NotResolvable(f"The provider reports no reference as paid. {_say(heard)}")
    with _deciding(disbursement_id, decided_by, heard, at=at) as (disbursement, attempts):
        if disbursement.status in DisbursementStatus.SETTLED - {DisbursementStatus.FAILED}:
            raise NotResolvable(f"This payout is {disbursement.status} and stays so. {_say(paid)}")
        outcome = paid[0].outcome
        if is_transaction_used(disbursement, outcome):
            raise NotResolvable(f"Transaction {outcome.transaction_id} already paid something else.")
        difference = find_difference(disbursement, outcome)
        _refuse_others(attempts, heard, but=paid[0].attempt, at=at)
        take_alarm_off(disbursement, action="disbursement.settled_on_word", reason=_reason(reason, difference), at=at)
        settle(disbursement, attempts[paid[0].attempt.pk], outcome, decided_by=decided_by, at=at)
    return disbursement


def state_not_paid(*, disbursement_id: UUID, decided_by: User, reason: str, at: datetime) -> Disbursement:
    """Ask about every reference again; when none can have been paid, an open payout goes on under a new reference, and
    a failed one may be retried.

    Raises MakerIsChecker for who asked for the payout or receives it, and NotResolvable. Opens its own transactions.
    """
    heard = _ask_all(disbursement_id, at=at)
    with _deciding(disbursement_id, decided_by, heard, at=at) as (disbursement, attempts):
        if disbursement.status in DisbursementStatus.SETTLED - {DisbursementStatus.FAILED}:
            raise NotResolvable(f"This payout is {disbursement.status} and stays so. {_say(heard)}")
        if decided_by.pk in (disbursement.requested_by_id, disbursement.customer_id):
            raise MakerIsChecker("Another person must state that this payout was not paid.")
        safe_age = timedelta(hours=current(PaymentSettings).not_paid_after_hours)
        if doubtful := [one for one in heard if not one.is_unpaid(safe_age=safe_age, at=at)]:
            raise NotResolvable(f"It is not sure that nothing was paid. {_say(doubtful)}")
        _refuse_others(attempts, heard, but=None, at=at)
        take_alarm_off(disbursement, action="disbursement.stated_not_paid", reason=reason, at=at)
        _go_on(disbursement, at=at)
    return disbursement


def _ask_all(disbursement_id: UUID, *, at: datetime) -> list[Heard]:
    disbursement = Disbursement.objects.get(pk=disbursement_id)
    _check_in_doubt(disbursement, at=at)
    return [Heard(attempt, _ask_one(disbursement, attempt)) for attempt in disbursement.attempts.order_by("number")]


def _ask_one(disbursement: Disbursement, attempt: Attempt) -> Outcome:
    there = provider_for(disbursement.provider, base_url=attempt.base_url, environment=attempt.environment)
    return ask_attempt(attempt=attempt, provider=there)


@contextmanager
def _deciding(
    disbursement_id: UUID, person: User, heard: list[Heard], *, at: datetime
) -> Iterator[tuple[Disbursement, dict[UUID, Attempt]]]:
    """The payout and its attempts, locked, and as they were when the provider was asked."""
    with acting(user_id=person.pk, label=person.get_username()), transaction.atomic(durable=True):
        disbursement = lock_disbursement(disbursement_id)
        _check_in_doubt(disbursement, at=at)
        attempts = {attempt.pk: attempt for attempt in lock_attempts(disbursement_id)}
        if [_state(attempt) for attempt in attempts.values()] != [_state(one.attempt) for one in heard]:
            raise NotResolvable("Something was sent or heard while the provider was asked. Look again.")
        yield disbursement, attempts


def _check_in_doubt(disbursement: Disbursement, *, at: datetime) -> None:
    if not disbursement.is_blocked and not _is_held_elsewhere(disbursement):
        raise NotResolvable("Nothing about this payout is in doubt.")
    if is_claimed(disbursement, at=at):
        raise NotResolvable("A worker is asking about this payout at the moment. Try again in a few minutes.")


def _is_held_elsewhere(disbursement: Disbursement) -> bool:
    """Given up, with a reference that may have arrived where we do not send any more, and may be sent only there.

    No retry can pay it: the place refuses it, and anywhere else it might be paid twice.
    """
    attempt = live_attempt(disbursement.pk)
    if disbursement.status != DisbursementStatus.FAILED or attempt is None or attempt.was_answered_at_the_door:
        return False
    return attempt.sends > 0 and not is_same_place(attempt, provider_for(disbursement.provider))


def _state(attempt: Attempt) -> tuple[object, ...]:
    return attempt.pk, attempt.status, attempt.sends, attempt.sent_at


def _refuse_others(attempts: dict[UUID, Attempt], heard: list[Heard], *, but: Attempt | None, at: datetime) -> None:
    """Close the references that cannot pay any more. Raises NotResolvable for one that still might."""
    safe_age = timedelta(hours=current(PaymentSettings).not_paid_after_hours)
    for one in heard:
        attempt = attempts[one.attempt.pk]
        if attempt.status == AttemptStatus.REFUSED or (but is not None and attempt.pk == but.pk):
            continue
        if attempt.status == AttemptStatus.SUCCEEDED or not one.is_unpaid(safe_age=safe_age, at=at):
            raise NotResolvable(f"Another reference may still be paid. {_say([one])}")
        move_attempt(attempt, to=AttemptStatus.REFUSED, finished_at=at)


def _go_on(disbursement: Disbursement, *, at: datetime) -> None:
    if disbursement.status == DisbursementStatus.PROCESSING:
        move(disbursement, to=DisbursementStatus.QUEUED, next_action_at=at, wait_reason=WaitReason.NONE)
    elif disbursement.status == DisbursementStatus.QUEUED:
        update(disbursement, next_action_at=at, claimed_until=None, wait_reason=WaitReason.NONE)
    else:
        return
    nudge_disbursement(disbursement.pk)


def _record_double_payment(disbursement_id: UUID, paid: list[Heard], person: User, *, at: datetime) -> None:
    with acting(user_id=person.pk, label=person.get_username()), transaction.atomic(durable=True):
        disbursement = lock_disbursement(disbursement_id)
        raise_alarm(disbursement, Alarm.CONTRADICTION, detail=f"Paid more than once. {_say(paid)}", at=at)
        record(
            "disbursement.paid_twice",
            target=disbursement,
            after={"references": [str(one.attempt.pk) for one in paid]},
            at=at,
        )


def _say(heard: list[Heard]) -> str:
    return "; ".join(one.words for one in heard) or "No reference was ever made."


def _reason(reason: str, difference: str) -> str:
    return f"{reason} (the provider reports {difference})" if difference else reason
