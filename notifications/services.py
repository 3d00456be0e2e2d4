"""Asking for a message. Sending it is the worker's: `notifications.sending`."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from notifications.gsm7 import SMS_PART_SEPTETS, cut
from notifications.models import SmsMessage
from notifications.rendering import render
from notifications.statuses import MessageStatus
from notifications.tasks import send_message

# The body column holds three parts; a longer message would only be a mistake in a value.
LONGEST_BODY_SEPTETS = 3 * SMS_PART_SEPTETS

_INSERT = """
    INSERT INTO notifications_sms
        (id, key, "to", template, language, body, status, provider_message_id, tries,
         error_code, error_message, next_action_at, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, '', 0, '', '', %s, %s)
    ON CONFLICT (key) DO NOTHING
"""


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
    )
    with connection.cursor() as cursor:
        # The ORM's ignore_conflicts does not say whether the row was added.
        cursor.execute(
            _INSERT,
            [message.id, key, to, template, language, message.body, message.status, at, at],
        )
        added = cursor.rowcount == 1
    if not added:
        return SmsMessage.objects.get(key=key)
    message._state.adding = False
    # Robust: a broker that is away must not fail the caller, whose row is safe; the sweep finds it.
    transaction.on_commit(partial(send_message.delay, message_id=str(message.id)), robust=True)
    return message
