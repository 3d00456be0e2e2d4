"""Celery entry points of messages."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="notifications.send_message")
def send_message(*, message_id: str) -> str:
    """Look at one message now; says what became of it. Safe to run twice."""
    from notifications.sending import send_message as send  # leaf: services schedule this task

    return send(message_id=message_id, at=timezone.now())


@shared_task(name="notifications.sweep_due")
def sweep_due() -> int:
    """Send what is due and whose own task was lost; says how many were looked at."""
    from notifications.sending import send_due  # leaf: services schedule this task

    return send_due(at=timezone.now())
