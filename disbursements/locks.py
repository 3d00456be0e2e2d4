"""Row locks of payouts. Order: disbursement, its attempt, the owner's row, ledger balances (house style, rule 11)."""

from uuid import UUID

from disbursements.models import Attempt, Disbursement


def lock_disbursement(disbursement_id: UUID | str) -> Disbursement:
    """The payout, locked until the transaction ends, with its funding account. Raises Disbursement.DoesNotExist."""
    return Disbursement.objects.select_for_update(of=("self",)).select_related("funded_from").get(pk=disbursement_id)


def lock_attempt(reference: UUID) -> Attempt:
    """The attempt; take the lock of its payout first. Raises Attempt.DoesNotExist."""
    return Attempt.objects.select_for_update(of=("self",)).get(pk=reference)


def lock_attempts(disbursement_id: UUID) -> list[Attempt]:
    """All attempts of a payout by number; take the lock of the payout first."""
    attempts = Attempt.objects.filter(disbursement_id=disbursement_id)
    return list(attempts.select_for_update(of=("self",)).order_by("number"))
