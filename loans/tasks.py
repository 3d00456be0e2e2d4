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
    from loans.services.number_sequences import make_sequences  # leaf

    return make_sequences(at=timezone.now())


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
def count_funnel(*, days: int) -> int:
    """Count the funnel of the last `days` days anew; how many rows it has."""
    from loans.services.funnel import count_funnel as count  # leaf

    return count(at=timezone.now(), days=days)


@shared_task(name="loans.advance_collection")
def advance_collection(*, collection_id: str) -> str:
    """Do the next thing for one request to pay, if it is due and nobody is on it."""
    from loans.services.collections import advance_collection as advance  # leaf

    return advance(collection_id=UUID(collection_id), at=timezone.now())


@shared_task(name="loans.sweep_collections")
def sweep_collections() -> int:
    """Hand due requests to pay whose nudge was lost to the workers; how many."""
    from loans.services.collection_sweeps import sweep_due_collections  # leaf

    return sweep_due_collections(at=timezone.now())


@shared_task(name="loans.process_collection_callback")
def process_collection_callback(*, callback_id: int) -> str:
    """Ask the provider about what a stored callback names."""
    from loans.services.collection_callbacks import process_callback  # leaf

    return process_callback(callback_id=callback_id, at=timezone.now())


@shared_task(name="loans.sweep_collection_callbacks")
def sweep_collection_callbacks() -> int:
    """Hand stored callbacks whose nudge was lost to the workers; how many."""
    from loans.services.collection_sweeps import sweep_unprocessed_callbacks  # leaf

    return sweep_unprocessed_callbacks(at=timezone.now())


@shared_task(name="loans.report_stuck_collections")
def report_stuck_collections() -> int:
    """Name requests to pay that are open for too long; how many."""
    from loans.services.collection_sweeps import report_stuck_collections as report  # leaf

    return report(at=timezone.now())
