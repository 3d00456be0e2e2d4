"""What the due date does: loans become overdue, and the longer they are the more it costs the customer's score.

Each tier of `CreditSettings.overdue_points` is taken once per loan, when the loan enters it; a run that comes late
takes all that were entered meanwhile. Safe to run twice, and beside itself: every loan is locked and looked at again.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit.services import record
from configuration.selectors import current
from loans.configuration import CreditSettings, LoanSettings
from loans.locks import lock_loan, lock_profile
from loans.models import Loan
from loans.scoring import overdue_penalty
from loans.services.credit import apply_penalty
from loans.statuses import LoanStatus, ScoreReason

# Loans looked up at a time; each is then moved in a transaction of its own.
CHUNK = 500


def mark_overdue(*, at: datetime) -> int:
    """Move what is past its due date to OVERDUE and take the points; how many loans changed."""
    today = at.astimezone(current(LoanSettings).zone).date()
    total = 0
    after: tuple[date, UUID] | None = None
    while found := _next_overdue(today, after):
        for _due, pk, customer_id in found:
            total += _follow(pk, customer_id=customer_id, today=today, at=at)
        after = found[-1][:2]
    return total


def _next_overdue(today: date, after: tuple[date, UUID] | None) -> list[tuple[date, UUID, UUID]]:
    """The next loans past their date that are not overdue yet, or have entered another tier."""
    newly = Q(status__in=[LoanStatus.DISBURSED, LoanStatus.REPAYING], due_date__lt=today)
    further = Q()
    for tier in current(CreditSettings).overdue_points:
        last_due = today - timedelta(days=tier.days_from)
        further |= Q(status=LoanStatus.OVERDUE, due_date__lte=last_due, penalised_days__lt=tier.days_from)
    rows = Loan.objects.filter(newly | further)
    if after is not None:
        rows = rows.filter(Q(due_date__gt=after[0]) | Q(due_date=after[0], pk__gt=after[1]))
    return list(rows.order_by("due_date", "pk").values_list("due_date", "pk", "customer_id")[:CHUNK])


def _follow(loan_id: UUID, *, customer_id: UUID, today: date, at: datetime) -> bool:
    with transaction.atomic():
        profile = lock_profile(customer_id)
        loan = lock_loan(loan_id)
        days = (today - loan.due_date).days
        if loan.status not in LoanStatus.OWED or days < 1:
            return False
        changed = loan.status != LoanStatus.OVERDUE
        if changed:
            before = loan.status
            loan.status = LoanStatus.OVERDUE
            loan.overdue_at = at
            loan.save(update_fields=["status", "overdue_at"])
            after = {"status": loan.status, "due_date": str(loan.due_date), "outstanding": str(loan.outstanding)}
            record("loan.overdue", target=loan, before={"status": before}, after=after, at=at)
        penalty = overdue_penalty(days, current(CreditSettings), since=loan.penalised_days)
        if penalty is not None:
            loan.penalised_days = penalty.first_day
            loan.save(update_fields=["penalised_days"])
            apply_penalty(
                profile=profile,
                loan=loan,
                points=penalty.points,
                reason=ScoreReason.OVERDUE,
                explanation=penalty.explanation,
                at=at,
            )
    return changed or penalty is not None
