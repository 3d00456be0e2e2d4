"""Celery entry points of messages."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="notifications.send_message")
def send_message(*, message_id: str) -> str:
    """Look at one message now; says what became of it. Safe to run twice."""
    from notifications.services import sending  # leaf: services schedule this task

    return sending.send_message(message_id=message_id, at=timezone.now())


@shared_task(name="notifications.sweep_due")
def sweep_due() -> dict[str, int]:
    """Take up what lost tasks and dead processes left; says how much. Safe to run beside another sweep."""
    from notifications.services import sweeping  # leaf: services schedule tasks of this file

    return sweeping.sweep_due(at=timezone.now())
