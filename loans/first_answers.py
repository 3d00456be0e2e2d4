"""The first answer to an approval, and who is working on it now, in Redis (contract section 2, idempotency and lock).

Both only save work and waiting: without Redis the customer's locked profile and the unique columns hold by themselves.
"""

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection

LOCK_SECONDS = 30
# As long as a session can last.
FORGOTTEN_SECONDS = 3600
# Seconds between looks while another request is being answered.
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.2

# KEYS: lock; ARGV: token. Only its owner gives it back.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

logger = structlog.get_logger(__name__)


def answer_key(*, customer_id: UUID, instance: str, amount: Decimal) -> str:
    """Names one approval: the customer, the session's instance and the amount. Stored with the loan."""
    return f"ussd:loan:{customer_id}:{instance}:{amount.normalize():f}"


def lock_key(*, customer_id: UUID, instance: str) -> str:
    """Names the session that somebody approves in."""
    return f"ussd:loan:lock:{customer_id}:{instance}"


@dataclass
class FirstAnswer:
    """The right to answer one approval, or the answer given before.

    `word` is `granted`, `said` (with `answer`), `busy` (somebody else works on it for too long), or `away` (no Redis).
    """

    key: str
    lock: str
    word: str = "away"
    answer: dict[str, Any] | None = None
    token: str = ""

    def keep(self, answer: dict[str, Any], *, seconds: int) -> None:
        """Give the answer to those who ask again, unless it was forgotten before it could be kept."""
        if self.word != "granted":
            return
        try:
            get_redis_connection("sessions").set(_prefixed(self.key), json.dumps(answer), ex=seconds, nx=True)
        except (redis.RedisError, OSError) as error:
            logger.warning("loan_answer_not_kept", error=str(error))

    def release(self) -> None:
        """Let the next one in, if it is ours to let. Without Redis the lock ends by its time."""
        if self.word != "granted":
            return
        try:
            get_redis_connection("sessions").eval(_RELEASE, 1, _prefixed(self.lock), self.token)
        except (redis.RedisError, OSError) as error:
            logger.warning("loan_lock_not_released", error=str(error))


def ask_for_answer(*, key: str, lock: str, patience: float) -> FirstAnswer:
    """The answer given before, or the right to give one; waits up to `patience` seconds for whoever is giving it.

    One round trip when nobody is. The first failure of Redis ends the asking.
    """
    first = FirstAnswer(key=key, lock=lock, token=uuid.uuid4().hex)
    until = monotonic() + patience
    wait = _FIRST_WAIT
    while True:
        try:
            said, granted = _look(first)
        except (redis.RedisError, OSError, ValueError) as error:
            logger.warning("loan_answers_away", error=str(error))
            return first
        if granted:
            first.word = "granted"
        if said is not None:
            first.release()
            first.word, first.answer = "said", said
        if first.word != "away":
            return first
        if monotonic() + wait > until:
            first.word = "busy"
            return first
        sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)


def forget_answer(key: str) -> None:
    """After the transaction, ask the database again: the loan no longer stands as it was answered."""
    transaction.on_commit(partial(_forget, key), robust=True)


def _look(first: FirstAnswer) -> tuple[dict[str, Any] | None, bool]:
    pipe = get_redis_connection("sessions").pipeline(transaction=False)
    # The lock first: an answer that comes between the two is then seen.
    pipe.set(_prefixed(first.lock), first.token, nx=True, px=LOCK_SECONDS * 1000)
    pipe.get(_prefixed(first.key))
    granted, said = pipe.execute()
    return (json.loads(said) if said else None), bool(granted)


def _forget(key: str) -> None:
    try:
        # Not deleted: whoever made the loan may be about to keep its answer.
        get_redis_connection("sessions").set(_prefixed(key), b"", ex=FORGOTTEN_SECONDS)
    except (redis.RedisError, OSError) as error:
        logger.warning("loan_answer_not_forgotten", error=str(error))


def _prefixed(key: str) -> str:
    return f"{settings.REDIS_KEY_PREFIX}:{key}"
