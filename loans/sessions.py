"""What a customer was offered a moment ago, in Redis by phone number (spec 1, decision 1; contract section 2).

One session per phone, with an instance of its own that is never used again: a later offer replaces it. Redis may be
away at any time; whoever asks then finds no session and works the offers out anew.
"""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection

from loans.eligibility import OfferTerms

# Forgets a session unless another offer has replaced it.
_FORGET = """
local kept = redis.call('GET', KEYS[1])
if kept and cjson.decode(kept)['instance'] == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class OfferSession:
    """Offers as shown. `offer` is the id of the stored offer, `session_id` what the gateway calls the session."""

    instance: str
    session_id: str
    customer_id: UUID
    phone: str
    currency: str
    eligible_amount: Decimal
    terms: tuple[OfferTerms, ...]
    explanation: dict[str, Any]
    offer: UUID

    def dumps(self) -> str:
        """As Redis keeps it."""
        # Not `asdict`, which copies everything, the explanation too, piece by piece.
        found = {**vars(self), "terms": [vars(terms) for terms in self.terms]}
        return json.dumps(found, default=str, separators=(",", ":"))

    @classmethod
    def loads(cls, stored: bytes | str) -> "OfferSession":
        """Raises ValueError, TypeError or KeyError for what is no session."""
        found = json.loads(stored)
        return cls(
            **{
                **found,
                "customer_id": UUID(found["customer_id"]),
                "eligible_amount": Decimal(found["eligible_amount"]),
                "terms": tuple(_read_terms(terms) for terms in found["terms"]),
                "offer": UUID(found["offer"]),
            }
        )


def session_key(phone: str) -> str:
    """The phone is the hash tag, so that its keys lie together in a cluster."""
    return f"{settings.REDIS_KEY_PREFIX}:loan:{{{phone}}}:session"


def put_session(pipe: Any, session: OfferSession, *, seconds: int) -> None:
    """Add the session to a pipeline, in place of an earlier one of this phone."""
    pipe.set(session_key(session.phone), session.dumps(), ex=seconds)


@dataclass(frozen=True)
class SessionLook:
    """What Redis said: `session` None when there is none. Who finds that Redis is away must not wait for it again."""

    session: OfferSession | None
    redis_works: bool = True


def read_session(phone: str) -> SessionLook:
    """The phone's session, in one round trip; one that cannot be read is none."""
    try:
        stored = get_redis_connection("sessions").get(session_key(phone))
        return SessionLook(OfferSession.loads(stored) if stored else None)
    except (redis.RedisError, OSError) as error:
        logger.warning("loan_session_store_away", error=str(error))
        return SessionLook(None, redis_works=False)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        logger.error("loan_session_unreadable", error=str(error))
        return SessionLook(None)


def end_session(*, phone: str, instance: str) -> None:
    """Forget this session, after the transaction; one that replaced it stays. Without Redis it ends by its time."""
    transaction.on_commit(partial(_forget, phone, instance), robust=True)


def _forget(phone: str, instance: str) -> None:
    try:
        get_redis_connection("sessions").eval(_FORGET, 1, session_key(phone), instance)
    except (redis.RedisError, OSError) as error:
        logger.warning("loan_session_not_ended", error=str(error))


def _read_terms(found: dict[str, Any]) -> OfferTerms:
    money = {name: Decimal(found[name]) for name in ("amount", "interest", "disbursed_amount", "rate")}
    return OfferTerms(**{**found, **money, "due_date": date.fromisoformat(found["due_date"])})
