"""What a refusal leads to: another try later, a wait for money, or giving up (spec 5, retry logic)."""

from datetime import datetime, timedelta
from enum import StrEnum

from audit.services import record
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement
from disbursements.owners import owner_of
from disbursements.providers.base import FloatBalance, Outcome
from disbursements.services.alarms import raise_alarm
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.reserves import release_money
from disbursements.services.schedule import may_try_again, next_poll, next_try
from disbursements.services.transitions import move, update
from disbursements.statuses import Alarm, AttemptStatus, DisbursementStatus, ErrorClass, WaitReason


class Verdict(StrEnum):
    """What follows from a refusal."""

    TRY_LATER = "try_later"
    WAIT_FOR_FLOAT = "wait_for_float"
    GIVE_UP = "give_up"
    # Whether our float is short could not be learned: nothing is decided yet.
    UNDECIDED = "undecided"


def judge_refusal(
    disbursement: Disbursement, outcome: Outcome, *, balance: FloatBalance | None, payments: PaymentSettings
) -> Verdict:
    """The verdict by the class of the refusal. A word nobody has seen yet counts as one that may pass.

    "Not enough funds" means our float or the payee's own limit (mobile money notes A6): only our balance tells.
    """
    error_class = outcome.error_class or ErrorClass.TEMPORARY
    if error_class == ErrorClass.FLOAT:
        if balance is None or balance.available is None:
            return Verdict.UNDECIDED
        if balance.available < disbursement.amount:
            return Verdict.WAIT_FOR_FLOAT
        error_class = ErrorClass.TEMPORARY
    if error_class == ErrorClass.TEMPORARY and may_try_again(payments, disbursement):
        return Verdict.TRY_LATER
    return Verdict.GIVE_UP


def apply_refusal(
    disbursement: Disbursement,
    attempt: Attempt,
    outcome: Outcome,
    *,
    balance: FloatBalance | None,
    payments: PaymentSettings,
    at: datetime,
) -> None:
    """Carry out the verdict on a locked payout that is with the provider. One audit event for each refusal."""
    verdict = judge_refusal(disbursement, outcome, balance=balance, payments=payments)
    errors = {"error_class": outcome.error_class or ErrorClass.TEMPORARY, **error_fields(outcome)}
    recheck_at = at + timedelta(seconds=payments.float_recheck_seconds)
    match verdict:
        case Verdict.UNDECIDED:
            update(disbursement, next_action_at=recheck_at, claimed_until=None, **errors)
            return
        case Verdict.WAIT_FOR_FLOAT:
            _requeue(disbursement, wait_reason=WaitReason.FLOAT_SHORT, next_action_at=recheck_at, **errors)
        case Verdict.TRY_LATER:
            tries = disbursement.tries + 1
            try_at = next_try(payments, purpose=disbursement.purpose, tries=tries, at=at)
            _requeue(disbursement, wait_reason=WaitReason.RETRY, next_action_at=try_at, tries=tries, **errors)
            nudge_disbursement(disbursement.pk, after_seconds=(try_at - at).total_seconds())
        case Verdict.GIVE_UP if attempt.status == AttemptStatus.TURNED_AWAY and attempt.sends > 1:
            # The door has answered the last send only; an earlier one may still be on its way.
            look_at = next_poll(payments, polls=attempt.polls, at=at)
            changes = {"wait_reason": WaitReason.LAST_LOOK, "next_action_at": look_at, "claimed_until": None}
            update(disbursement, **changes, **errors)
            nudge_disbursement(disbursement.pk, after_seconds=(look_at - at).total_seconds())
            return
        case Verdict.GIVE_UP:
            give_up(disbursement, attempt, at=at, **errors)
            return
    record("disbursement.attempt_refused", target=disbursement, after=_told(disbursement, attempt), at=at)


def give_up(disbursement: Disbursement, attempt: Attempt, *, at: datetime, **errors: str) -> None:
    """Fail a locked payout: the owner is told, the reserve goes back to the account that bore it. Without `errors` the
    refusal that stands in the row is the reason.
    """
    before = {"status": disbursement.status}
    tries = disbursement.tries + 1
    move(disbursement, to=DisbursementStatus.FAILED, wait_reason=WaitReason.NONE, tries=tries, **errors)
    owner_of(disbursement.purpose).on_failed(disbursement, at)
    release_money(disbursement, at=at)
    record("disbursement.failed", target=disbursement, before=before, after=_told(disbursement, attempt), at=at)
    if disbursement.error_class == ErrorClass.CONFIGURATION:
        detail = f"{disbursement.error_code} {disbursement.error_message}".strip()
        raise_alarm(disbursement, Alarm.CONFIGURATION, detail=detail, at=at)


def error_fields(outcome: Outcome | None = None) -> dict[str, str]:
    """The provider's own words, for a payout or an attempt; empty without a refusal."""
    return {"error_code": outcome.code if outcome else "", "error_message": outcome.message if outcome else ""}


def _requeue(disbursement: Disbursement, **changes: object) -> None:
    move(disbursement, to=DisbursementStatus.QUEUED, **changes)


def _told(disbursement: Disbursement, attempt: Attempt) -> dict[str, object]:
    return {
        "status": disbursement.status,
        "wait_reason": disbursement.wait_reason,
        "tries": disbursement.tries,
        "error_class": disbursement.error_class,
        "error_code": disbursement.error_code,
        "reference": str(attempt.pk),
        "next_action_at": disbursement.next_action_at,
    }
