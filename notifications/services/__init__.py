"""What other apps call: `send_sms`; and `send_again` for staff."""

from notifications.services.queueing import MessageNotFailed, send_again, send_sms

__all__ = ["MessageNotFailed", "send_again", "send_sms"]
