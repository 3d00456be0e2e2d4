"""Messages made for tests, and looks at them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from configuration.services import change_category
from notifications.configuration import NotificationSettings
from notifications.models import SmsMessage
from notifications.services import send_sms

PHONE = "+250788123456"


def queue(at: datetime, *, key: str = "k1", to: str = PHONE, language: str = "en") -> SmsMessage:
    """A message as a service of another app queues it."""
    with transaction.atomic():
        return send_sms(
            to=to,
            template="test.paid",
            language=language,
            context={"amount": "RWF 5,000", "reference": "ABC"},
            key=key,
            at=at,
        )


def configure(at: datetime, **changes: Any) -> None:
    change_category(NotificationSettings, changes=changes, changed_by=None, reason="Test", at=at)


def only_message() -> SmsMessage:
    return SmsMessage.objects.get()
