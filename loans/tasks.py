"""Celery entry points of lending. Each is safe to run twice; the rows are the real queue."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone


@shared_task(name="loans.store_offers")
def store_offers() -> int:
    """Store the offers that wait in Redis; says how many."""
    from loans.services.offer_records import store_offers as store  # leaf

    return store(at=timezone.now())


@shared_task(name="loans.make_number_sequences")
def make_number_sequences() -> list[str]:
    """Have the sequences of loan numbers ready before their year begins."""
    from configuration.selectors import current  # leaf
    from loans.configuration import LoanSettings  # leaf
    from loans.numbers import make_sequences  # leaf

    return make_sequences(at=timezone.now(), zone=current(LoanSettings).zone)


@shared_task(name="loans.match_notice")
def match_notice(*, notice_id: str) -> str:
    """Look for the loan that money came in for."""
    from loans.services.paid_in import match_notice as match  # leaf

    return match(notice_id=UUID(notice_id), at=timezone.now())


@shared_task(name="loans.sweep_notices")
def sweep_notices() -> int:
    """Look at notices whose nudge was lost; how many."""
    from loans.services.paid_in import sweep_notices as sweep  # leaf

    return sweep(at=timezone.now())


@shared_task(name="loans.apply_repayment_file")
def apply_repayment_file(*, file_id: str) -> int:
    """Apply the lines of a file, unless another worker is on it; how many were left."""
    from loans.services.repayment_files import apply_lines  # leaf

    return apply_lines(file_id=UUID(file_id))


@shared_task(name="loans.sweep_repayment_files")
def sweep_repayment_files() -> int:
    """Nudge files that nobody applies further; how many."""
    from loans.services.repayment_files import resume_files  # leaf

    return resume_files(at=timezone.now())


@shared_task(name="loans.follow_due_dates")
def follow_due_dates() -> int:
    """Let loans become overdue, and take the points; how many loans changed."""
    from loans.services.due import mark_overdue  # leaf

    return mark_overdue(at=timezone.now())


@shared_task(name="loans.send_reminders")
def send_reminders() -> int:
    """Remind customers of what they owe; how many messages were queued."""
    from loans.services.reminders import send_reminders as remind  # leaf

    return remind(at=timezone.now())


@shared_task(name="loans.count_funnel")
def count_funnel() -> int:
    """Count today's and yesterday's funnel anew; how many rows it has."""
    from loans.services.funnel import count_funnel as count  # leaf

    return count(at=timezone.now())
