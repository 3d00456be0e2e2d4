"""Celery entry points of the USSD service."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="ussd.store_turns")
def store_turns() -> int:
    """Store the turns and session events that wait in Redis; says how many."""
    from ussd.services.records import store_waiting  # leaf

    return store_waiting(at=timezone.now())
