"""Which sessions live now, for monitoring: an index in Redis beside the sessions themselves."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection

from ussd.sessions import Session

# Sessions shown at most; counting goes on above it.
MOST_SHOWN = 500


@dataclass(frozen=True)
class ActiveSessions:
    """How many sessions wait for input, and the latest of them."""

    count: int
    sessions: list[Session]


def session_key(phone: str) -> str:
    """Where the session of a phone lies. The braces keep the keys of one phone together in a cluster."""
    return f"{settings.REDIS_KEY_PREFIX}:ussd:{{{phone}}}:session"


def note_activity(pipe: Any, session: Session, *, seconds: int) -> None:
    """Add to `pipe` what keeps the index true after a turn."""
    pipe.set(_phone_of_key(session.session_id), session.phone, ex=seconds)
    pipe.zremrangebyscore(_active_key(), "-inf", session.last_at - seconds)
    if session.ended:
        pipe.zrem(_active_key(), session.phone)
    else:
        pipe.zadd(_active_key(), {session.phone: session.last_at})


def find_session(session_id: str) -> Session | None:
    """The session with this id, also one that has ended, as long as it is remembered. Raises redis.RedisError."""
    client = get_redis_connection("sessions")
    phone = client.get(_phone_of_key(session_id))
    stored = client.get(session_key(phone.decode())) if phone else None
    session = Session.loads(stored) if stored else None
    return session if session and session.session_id == session_id else None


def count_active(*, seconds: int) -> int:
    """How many sessions had a turn in the last `seconds` and have not ended. Raises redis.RedisError."""
    return get_redis_connection("sessions").zcount(_active_key(), time.time() - seconds, "+inf")


def list_active(*, seconds: int) -> ActiveSessions:
    """Those sessions, the latest first. Raises redis.RedisError."""
    client = get_redis_connection("sessions")
    count = count_active(seconds=seconds)
    phones = client.zrevrangebyscore(_active_key(), "+inf", time.time() - seconds, start=0, num=MOST_SHOWN)
    # One by one in a pipeline, because in a cluster they lie on different nodes.
    pipe = client.pipeline(transaction=False)
    for phone in phones:
        pipe.get(session_key(phone.decode()))
    loaded = [Session.loads(stored) for stored in pipe.execute() if stored]
    return ActiveSessions(count, [session for session in loaded if session and not session.ended])


def clear_sessions() -> int:
    """Forget every session, stored reply and lock; says how many sessions there were. Raises redis.RedisError."""
    client = get_redis_connection("sessions")
    sessions = 0
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:ussd:{{*", count=1000):
        sessions += key.endswith(b":session")
        client.delete(key)
    client.delete(_active_key())
    return sessions


def _phone_of_key(session_id: str) -> str:
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{settings.REDIS_KEY_PREFIX}:ussd:phone-of:{digest}"


def _active_key() -> str:
    return f"{settings.REDIS_KEY_PREFIX}:ussd:active"
