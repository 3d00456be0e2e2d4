"""The only place that changes a status (house style, rule 10). The database holds a copy of both tables."""

from typing import Any

from accounts.models import User
from disbursements.models import Attempt, Disbursement
from disbursements.statuses import AttemptStatus, DisbursementStatus


class MoveNotAllowed(RuntimeError):
    """The table of moves does not have this one: a fault in our code, never a person's mistake."""

    code = "MOVE_NOT_ALLOWED"


def move(disbursement: Disbursement, *, to: DisbursementStatus, **changes: Any) -> None:
    """Move a locked payout and save `changes` with it, in one UPDATE; the claim ends. Raises MoveNotAllowed."""
    if to not in DisbursementStatus.MOVES[disbursement.status]:
        raise MoveNotAllowed(f"Payout {disbursement.pk} cannot go from {disbursement.status} to {to}.")
    changes.setdefault("next_action_at", None)
    changes.setdefault("claimed_until", None)
    _save(disbursement, status=to, **changes)


def update(disbursement: Disbursement, **changes: Any) -> None:
    """Save what changes while the status stays."""
    _save(disbursement, **changes)


def move_attempt(attempt: Attempt, *, to: AttemptStatus, **changes: Any) -> None:
    """Move a locked attempt and save `changes` with it; staying where it is is allowed. Raises MoveNotAllowed."""
    if to != attempt.status and to not in AttemptStatus.MOVES[attempt.status]:
        raise MoveNotAllowed(f"Attempt {attempt.pk} cannot go from {attempt.status} to {to}.")
    _save(attempt, status=to, **changes)


def revive_attempt(attempt: Attempt, *, decided_by: User, **changes: Any) -> None:
    """A refused attempt was paid after all, and a person has it settled: the one move the table does not have.

    The database lets it pass only with the person in the row. Raises MoveNotAllowed for any other attempt.
    """
    if attempt.status != AttemptStatus.REFUSED:
        raise MoveNotAllowed(f"Attempt {attempt.pk} is {attempt.status}, not refused.")
    _save(attempt, status=AttemptStatus.SUCCEEDED, decided_by=decided_by, **changes)


def update_attempt(attempt: Attempt, **changes: Any) -> None:
    """Save what changes while the status stays."""
    _save(attempt, **changes)


def _save(row: Disbursement | Attempt, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    stamps = ["updated_at"] if isinstance(row, Disbursement) else []
    row.save(update_fields=[*changes, *stamps])
