"""Scheduled work of the audit trail."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="audit.create_partitions")
def create_partitions() -> int:
    """Keep partitions ready two months ahead. Returns how many were made."""
    from audit.services import partitions  # leaf

    return len(partitions.create_partitions(at=timezone.now()))
