"""Who works on a payout: one worker at a time, for as long as one call to the provider may take.

The claim keeps workers from doing the same thing twice; that it be done once does not rest on it. A worker that
dies or is too slow loses its claim, and what then happens twice is the same reference sent or asked about again.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from disbursements.accounts import longest_call_seconds
from disbursements.models import Disbursement
from disbursements.statuses import DisbursementStatus, WaitReason

# One operation at the provider is at most: a token, the call, another token after 401, the call again.
CALLS_PER_OPERATION = 4
SPARE_SECONDS = 10

_OPEN = (DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING)


def claim_length() -> timedelta:
    """Longer than all time limits of one operation together, whichever account the payout goes to: that is read only
    after the claim.
    """
    return timedelta(seconds=CALLS_PER_OPERATION * longest_call_seconds() + SPARE_SECONDS)


def claim_disbursement(*, disbursement_id: UUID | str, at: datetime) -> Disbursement | None:
    """Take the payout if it is due: a conditional update, and one row counted means it is ours (rule 12).

    None when it is not due, settled, or another worker's.
    """
    until = at + claim_length()
    due = Disbursement.objects.filter(pk=disbursement_id, status__in=_OPEN, next_action_at__lte=at)
    if due.update(next_action_at=until, claimed_until=until) != 1:
        return None
    return Disbursement.objects.get(pk=disbursement_id)


def renew_claim(disbursement_id: UUID, *, at: datetime) -> None:
    """Before a further operation at the provider within the same claim."""
    until = at + claim_length()
    Disbursement.objects.filter(pk=disbursement_id, claimed_until__isnull=False).update(
        next_action_at=until, claimed_until=until
    )


def postpone(disbursement_id: UUID, *, until: datetime, wait_reason: WaitReason) -> None:
    """Give the claim back and say when to look again, and why not now."""
    Disbursement.objects.filter(pk=disbursement_id, status__in=_OPEN, claimed_until__isnull=False).update(
        next_action_at=until, claimed_until=None, wait_reason=wait_reason
    )


def bring_forward(disbursement_id: UUID, *, at: datetime) -> None:
    """Make an open payout due now, unless a worker is on it."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at)
    Disbursement.objects.filter(
        free, pk=disbursement_id, status=DisbursementStatus.PROCESSING, next_action_at__gt=at
    ).update(next_action_at=at, claimed_until=None)


def is_claimed(disbursement: Disbursement, *, at: datetime) -> bool:
    """Whether a worker is on it."""
    return disbursement.claimed_until is not None and disbursement.claimed_until > at


def due_disbursements(*, at: datetime, renudge_after: timedelta) -> Q:
    """Due, and not handed to the workers since it fell due, or so long ago that the message must be lost."""
    not_handed_over = Q(swept_at__isnull=True) | Q(swept_at__lt=F("next_action_at"))
    return Q(status__in=_OPEN, next_action_at__lte=at) & (not_handed_over | Q(swept_at__lte=at - renudge_after))
