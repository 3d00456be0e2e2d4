"""Settling: lock, look again, compare, move, tell the owner, post, record – in one short transaction (rule 11)."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from audit.services import record
from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.locks import lock_attempt, lock_disbursement
from disbursements.models import Attempt, Disbursement
from disbursements.owners import owner_of
from disbursements.providers.base import FloatBalance, Outcome
from disbursements.services.alarms import raise_alarm, withdraw_alarm
from disbursements.services.refusals import Verdict, apply_refusal, error_fields, judge_refusal
from disbursements.services.reserves import reserve_money, settle_money
from disbursements.services.schedule import next_poll
from disbursements.services.transitions import move, move_attempt, revive_attempt, update
from disbursements.statuses import Alarm, AttemptStatus, DisbursementStatus, WaitReason


def settle_paid(*, attempt: Attempt, outcome: Outcome, at: datetime) -> bool:
    """The provider says this reference was paid. True when that settled the payout now.

    A repeat changes nothing. A report of another amount, currency or payee, or of a transaction that paid something
    else, settles nothing and calls a person; so does one about an attempt that was refused. A payout that had been
    given up is reserved again and settled, since the money is gone.
    """
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(attempt.disbursement_id)
        attempt = lock_attempt(attempt.pk)
        if attempt.status == AttemptStatus.SUCCEEDED:
            return False
        if attempt.status == AttemptStatus.REFUSED or disbursement.status == DisbursementStatus.CANCELLED:
            raise_alarm(disbursement, Alarm.CONTRADICTION, detail=f"{attempt.pk} reported as paid", at=at)
            return False
        if difference := find_difference(disbursement, outcome):
            _keep_asking(disbursement, attempt, at=at)
            raise_alarm(disbursement, Alarm.MISMATCH, detail=difference, at=at)
            return False
        was_given_up = disbursement.status == DisbursementStatus.FAILED
        withdraw_alarm(disbursement, reason="The provider reports it as paid", at=at)
        settle(disbursement, attempt, outcome, at=at)
        if was_given_up:
            raise_alarm(disbursement, Alarm.PAID_AFTER_FAILURE, detail=str(attempt.pk), at=at)
    return True


def settle_refused(*, attempt: Attempt, outcome: Outcome, balance: FloatBalance | None, at: datetime) -> bool:
    """The provider's status says FAILED for this reference: the one thing that allows another reference.

    True when that changed something. While it is not known whether our float is short, nothing is decided. A payout
    already given up stays so. A report about an attempt that was paid changes nothing and calls a person.
    """
    payments = current(PaymentSettings)
    with transaction.atomic(durable=True):
        disbursement = lock_disbursement(attempt.disbursement_id)
        attempt = lock_attempt(attempt.pk)
        if attempt.status == AttemptStatus.REFUSED:
            return False
        if attempt.status == AttemptStatus.SUCCEEDED:
            raise_alarm(disbursement, Alarm.CONTRADICTION, detail=f"{attempt.pk} reported as failed", at=at)
            return False
        is_open = disbursement.status == DisbursementStatus.PROCESSING
        verdict = judge_refusal(disbursement, outcome, balance=balance, payments=payments)
        if not is_open or verdict != Verdict.UNDECIDED:
            move_attempt(
                attempt,
                to=AttemptStatus.REFUSED,
                finished_at=at,
                last_polled_at=at,
                polls=attempt.polls + 1,
                http_status=outcome.http_status,
                **error_fields(outcome),
            )
            withdraw_alarm(disbursement, reason="The provider reports it as failed", at=at)
        if is_open:
            apply_refusal(disbursement, attempt, outcome, balance=balance, payments=payments, at=at)
    return attempt.status == AttemptStatus.REFUSED


def find_difference(disbursement: Disbursement, outcome: Outcome) -> str:
    """What the provider reports otherwise than we asked, in words; empty when all it said fits."""
    if outcome.amount is not None and outcome.amount != disbursement.amount:
        return f"amount {outcome.amount} instead of {disbursement.amount}"
    if outcome.currency and outcome.currency != disbursement.currency:
        return f"currency {outcome.currency} instead of {disbursement.currency}"
    if outcome.payee and outcome.payee != disbursement.payee:
        return f"payee {outcome.payee} instead of {disbursement.payee}"
    if is_transaction_used(disbursement, outcome):
        return f"transaction {outcome.transaction_id}, which already paid something else"
    return ""


def is_transaction_used(disbursement: Disbursement, outcome: Outcome) -> bool:
    """Whether the transaction the provider names has paid another payout."""
    used = Disbursement.objects.filter(provider_transaction_id=outcome.transaction_id).exclude(pk=disbursement.pk)
    return bool(outcome.transaction_id) and used.exists()


def settle(
    disbursement: Disbursement, attempt: Attempt, outcome: Outcome, *, decided_by: User | None = None, at: datetime
) -> None:
    """Book a locked payout as paid by this locked attempt. A refused attempt needs the person who decided it."""
    before = {"status": disbursement.status}
    was_given_up = disbursement.status == DisbursementStatus.FAILED
    learned = {
        "finished_at": at,
        "last_polled_at": at,
        "polls": attempt.polls + 1,
        "http_status": outcome.http_status,
        "provider_transaction_id": outcome.transaction_id,
        **error_fields(),
    }
    if decided_by is not None and attempt.status == AttemptStatus.REFUSED:
        revive_attempt(attempt, decided_by=decided_by, **learned)
    else:
        move_attempt(attempt, to=AttemptStatus.SUCCEEDED, **learned)
    if disbursement.status == DisbursementStatus.QUEUED:
        # Retried by a person a moment ago; the table of moves knows no other way.
        move(disbursement, to=DisbursementStatus.PROCESSING, next_action_at=at)
    move(
        disbursement,
        to=DisbursementStatus.COMPLETED,
        disbursed_at=at,
        provider_transaction_id=outcome.transaction_id or None,
        reserve_number=disbursement.reserve_number + was_given_up,
        wait_reason=WaitReason.NONE,
        error_class="",
        **error_fields(),
    )
    owner_of(disbursement.purpose).on_paid(disbursement, at)
    if was_given_up:
        reserve_money(disbursement, at=at)
    settle_money(disbursement, at=at)
    record(
        "disbursement.paid_after_failure" if was_given_up else "disbursement.paid",
        target=disbursement,
        before=before,
        after={
            "status": disbursement.status,
            "reference": str(attempt.pk),
            "provider_transaction_id": outcome.transaction_id,
        },
        at=at,
    )


def _keep_asking(disbursement: Disbursement, attempt: Attempt, *, at: datetime) -> None:
    if disbursement.status in (DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING):
        payments = current(PaymentSettings)
        last = next_poll(payments, polls=len(payments.poll_delays_seconds), at=at)
        update(disbursement, next_action_at=last, claimed_until=None)
