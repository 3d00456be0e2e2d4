"""Locks of this app. A message is locked before the reports about it."""

from uuid import UUID

from django.db import connection

from notifications.models import SmsMessage


def lock_message(message_id: UUID | str) -> SmsMessage:
    """The message, held until the transaction ends. Raises SmsMessage.DoesNotExist."""
    return SmsMessage.objects.select_for_update(of=("self",)).get(pk=message_id)


def lock_provider_message(provider_message_id: str) -> None:
    """Let nobody else learn or use this provider id until the transaction ends.

    A report can arrive before we have stored the id it names; without this the report would not find the
    message, nor the message the report.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sms:{provider_message_id}"])


def lock_reported_message(provider_message_id: str) -> SmsMessage | None:
    """The message the provider knows by this id, held until the transaction ends."""
    found = SmsMessage.objects.select_for_update(of=("self",)).filter(provider_message_id=provider_message_id)
    return found.order_by("pk").first()
