"""Clearing sessions: for maintenance, by a person."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from audit import services as audit
from audit.context import acting
from ussd.session_index import clear_sessions


def clear_all_sessions(*, cleared_by: User, at: datetime) -> int:
    """Forget every session and stored reply; says how many sessions there were. One audit event.

    Customers in the middle of one go on where the gateway's history leads, or begin again. Redemptions are not
    touched: their keys are in the database. Raises redis.RedisError, and then nothing is recorded.
    """
    with acting(user_id=cleared_by.pk, label=cleared_by.get_username()), transaction.atomic():
        cleared = clear_sessions()
        audit.record("ussd.sessions.cleared", target=("ussd.sessions", "all"), after={"sessions": cleared}, at=at)
    return cleared
