"""What people decide about a payout: approve, retry, cancel. Each is idempotent and audited in the person's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from disbursements.locks import lock_attempt, lock_disbursement
from disbursements.models import Disbursement
from disbursements.owners import owner_of
from disbursements.selectors import live_attempt
from disbursements.services.alarms import MONEY_MAY_HAVE_MOVED
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.refusals import error_fields
from disbursements.services.reserves import release_money, reserve_money
from disbursements.services.transitions import move, move_attempt
from disbursements.statuses import AttemptStatus, DisbursementStatus, WaitReason


class NotAwaitingApproval(ValueError):
    """The payout does not wait for a second person."""

    code = "NOT_AWAITING_APPROVAL"


class MakerIsChecker(ValueError):
    """Who asked for a payout, or receives it, may not approve it."""

    code = "MAKER_IS_CHECKER"


class NotRetryable(ValueError):
    """Only a failed payout can be retried, and only while it is sure that nothing was paid."""

    code = "NOT_RETRYABLE"


class NotCancellable(ValueError):
    """Something was handed to the provider, or the payout is settled."""

    code = "NOT_CANCELLABLE"


def approve_disbursement(*, disbursement_id: UUID, approved_by: User, at: datetime) -> Disbursement:
    """Let a waiting payout go. The same person approving again changes nothing.

    Raises MakerIsChecker, NotAwaitingApproval.
    """
    with _acting_on(disbursement_id, approved_by) as disbursement:
        if disbursement.approved_by_id == approved_by.pk:
            return disbursement
        if approved_by.pk in (disbursement.requested_by_id, disbursement.customer_id):
            raise MakerIsChecker("Another person must approve this payout.")
        if disbursement.status != DisbursementStatus.AWAITING_APPROVAL:
            raise NotAwaitingApproval(f"This payout does not wait for approval: {_words(disbursement)}.")
        move(
            disbursement,
            to=DisbursementStatus.QUEUED,
            next_action_at=at,
            approved_by=approved_by,
            approved_at=at,
            open_since=at,
        )
        _record("disbursement.approved", disbursement, before=DisbursementStatus.AWAITING_APPROVAL, at=at)
        nudge_disbursement(disbursement.pk)
    return disbursement


def retry_disbursement(*, disbursement_id: UUID, requested_by: User, reason: str, at: datetime) -> Disbursement:
    """Set a failed payout going again: the money is reserved again and the owner is told. If a reference may be known
    to the provider, it is asked first. One already under way again is left as it is.

    Raises NotRetryable, and what the ledger refuses (InsufficientBalance).
    """
    with _acting_on(disbursement_id, requested_by) as disbursement:
        if disbursement.status in (DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING):
            return disbursement
        if disbursement.status != DisbursementStatus.FAILED:
            raise NotRetryable(f"Only a failed payout can be retried: {_words(disbursement)}.")
        if disbursement.is_blocked:
            raise NotRetryable(MONEY_MAY_HAVE_MOVED)
        move(
            disbursement,
            to=DisbursementStatus.QUEUED,
            next_action_at=at,
            open_since=at,
            reserve_number=disbursement.reserve_number + 1,
            tries=0,
            wait_reason=WaitReason.NONE,
            error_class="",
            **error_fields(),
        )
        owner_of(disbursement.purpose).on_retried(disbursement, at)
        reserve_money(disbursement, at=at)
        _record("disbursement.retried", disbursement, before=DisbursementStatus.FAILED, at=at, reason=reason)
        nudge_disbursement(disbursement.pk)
    return disbursement


def cancel_disbursement(*, disbursement_id: UUID, cancelled_by: User, reason: str, at: datetime) -> Disbursement:
    """Call off a payout of which nothing can have been sent; a reference that never left is closed and the reserve goes
    back. Cancelling again changes nothing.

    Raises NotCancellable.
    """
    with _acting_on(disbursement_id, cancelled_by) as disbursement:
        if disbursement.status == DisbursementStatus.CANCELLED:
            return disbursement
        before = DisbursementStatus(disbursement.status)
        if DisbursementStatus.CANCELLED not in DisbursementStatus.MOVES[before]:
            raise NotCancellable(f"This payout can no longer be cancelled: {_words(disbursement)}.")
        if disbursement.is_blocked:
            raise NotCancellable(MONEY_MAY_HAVE_MOVED)
        if attempt := live_attempt(disbursement.pk):
            if not attempt.is_unsent:
                raise NotCancellable("This payout has been handed to the provider.")
            move_attempt(lock_attempt(attempt.pk), to=AttemptStatus.REFUSED, finished_at=at)
        move(disbursement, to=DisbursementStatus.CANCELLED, wait_reason=WaitReason.NONE)
        owner_of(disbursement.purpose).on_cancelled(disbursement, at)
        release_money(disbursement, at=at)
        _record("disbursement.cancelled", disbursement, before=before, at=at, reason=reason)
    return disbursement


@contextmanager
def _acting_on(disbursement_id: UUID, person: User) -> Iterator[Disbursement]:
    with acting(user_id=person.pk, label=person.get_username()), transaction.atomic(durable=True):
        yield lock_disbursement(disbursement_id)


def _record(
    action: str, disbursement: Disbursement, *, before: DisbursementStatus, at: datetime, reason: str = ""
) -> None:
    record(
        action,
        target=disbursement,
        before={"status": before.value},
        after={"status": disbursement.status},
        reason=reason,
        at=at,
    )


def _words(disbursement: Disbursement) -> str:
    return DisbursementStatus(disbursement.status).label.lower()
