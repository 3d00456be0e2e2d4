"""Asking for a message, and asking again for one that failed. Sending is the worker's: `sending`."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from audit.context import acting
from audit.services import record
from notifications.gsm7 import SMS_PART_SEPTETS, cut
from notifications.locks import lock_message
from notifications.models import SmsMessage
from notifications.rendering import render
from notifications.statuses import MessageStatus
from notifications.tasks import send_message

if TYPE_CHECKING:
    from accounts.models import User

# The body column holds three parts; a longer message would only be a mistake in a value.
LONGEST_BODY_SEPTETS = 3 * SMS_PART_SEPTETS

_INSERT = """
    INSERT INTO notifications_sms
        (id, key, "to", template, language, body, status, provider_message_id, tries,
         error_code, error_message, next_action_at, created_at, queued_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, '', 0, '', '', %s, %s, %s)
    ON CONFLICT (key) DO NOTHING
"""

# What a message is given back when it is sent again. Reports on its earlier life no longer concern it.
_RESET: dict[str, Any] = {
    "status": MessageStatus.QUEUED.value,
    "tries": 0,
    "provider_message_id": "",
    "error_code": "",
    "error_message": "",
}


class MessageNotFailed(Exception):
    """Only a failed message can be sent again."""

    code = "MESSAGE_NOT_FAILED"

    def __init__(self, message: SmsMessage) -> None:
        super().__init__(f"This message has not failed: {message.get_status_display().lower()}.")


def send_sms(
    *, to: str, template: str, language: str, context: Mapping[str, Any], key: str, at: datetime
) -> SmsMessage:
    """Queue one SMS in the caller's transaction; it is sent after the commit, and not at all after a rollback.

    One statement. The same `key` is queued once: a repeat returns the first message, whatever else it says.
    `to` is E.164. Raises UnknownTemplate, and KeyError when `context` lacks a field of the template.
    """
    message = SmsMessage(
        id=uuid.uuid4(),
        key=key,
        to=to,
        template=template,
        language=language,
        body=cut(render(template, language, context), limit=LONGEST_BODY_SEPTETS),
        status=MessageStatus.QUEUED,
        next_action_at=at,
        created_at=at,
        queued_at=at,
    )
    with connection.cursor() as cursor:
        # The ORM's ignore_conflicts does not say whether the row was added.
        cursor.execute(
            _INSERT,
            [message.id, key, to, template, language, message.body, message.status, at, at, at],
        )
        added = cursor.rowcount == 1
    if not added:
        return SmsMessage.objects.get(key=key)
    message._state.adding = False
    _nudge_after_commit(message.id)
    return message


def send_again(*, message_id: uuid.UUID | str, requested_by: "User", at: datetime) -> SmsMessage:
    """Put a failed message back into the queue, with all its tries before it; audited.

    The customer may get it twice if the provider had it after all. Raises MessageNotFailed for any other
    status, and SmsMessage.DoesNotExist.
    """
    with transaction.atomic():
        message = lock_message(message_id)
        if message.status != MessageStatus.FAILED:
            raise MessageNotFailed(message)
        before = {name: getattr(message, name) for name in _RESET}
        for name, value in _RESET.items():
            setattr(message, name, value)
        message.next_action_at = message.queued_at = at
        message.save(update_fields=[*_RESET, "next_action_at", "queued_at"])
        with acting(user_id=requested_by.pk, label=requested_by.get_username()):
            record("notifications.message.sent_again", target=message, before=before, after=_RESET, at=at)
        _nudge_after_commit(message.id)
    return message


def _nudge_after_commit(message_id: uuid.UUID) -> None:
    # Robust: a broker that is away must not fail the caller, whose row is safe; the sweep finds it.
    transaction.on_commit(lambda: send_message.delay(message_id=str(message_id)), robust=True)
