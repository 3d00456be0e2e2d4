"""Celery entry points of lending. Each is safe to run twice; the rows are the real queue."""

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
