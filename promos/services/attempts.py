"""Wrong codes in the database: the record of who tried, and the floor of guess-blocking when Redis is away."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Q

from audit.services import record
from promos.configuration import PromoRules
from promos.models import CodeAttempt
from promos.statuses import Outcome
from promos.throttles import DAY, HOUR, MINUTE


def record_attempt(*, phone: str, code: str, outcome: Outcome, at: datetime) -> None:
    """Keep a wrong code: who, when, what became of it, and its first characters."""
    CodeAttempt.objects.create(phone=phone, outcome=outcome, code_hint=code[:4], at=at)


def record_block(*, phone: str, rules: PromoRules, at: datetime) -> None:
    """Keep the moment from which a phone is shut out."""
    with transaction.atomic():
        mark = CodeAttempt.objects.create(phone=phone, outcome=Outcome.TOO_MANY_ATTEMPTS, at=at)
        record(
            "promo.guessing.blocked",
            target=mark,
            after={"phone": phone, "minutes": rules.block_minutes},
            reason="More wrong codes than allowed",
            at=at,
        )


def refuse_by_floor(*, phone: str, rules: PromoRules, at: datetime) -> timedelta | None:
    """Without Redis: how long this phone must wait, or None when it may try. Starts a block as Redis would.

    The caller holds the customer's lock and records a wrong code in the same transaction, so tries of one phone are
    counted one after another. Two statements at most.
    """
    wrong = ~Q(outcome=Outcome.TOO_MANY_ATTEMPTS)
    block = timedelta(minutes=rules.block_minutes)
    seen = CodeAttempt.objects.filter(phone=phone, at__gt=at - max(DAY, block)).aggregate(
        minute=Count("pk", filter=wrong & Q(at__gt=at - MINUTE)),
        hour=Count("pk", filter=wrong & Q(at__gt=at - HOUR)),
        day=Count("pk", filter=wrong & Q(at__gt=at - DAY)),
        blocked_at=Max("at", filter=~wrong),
    )
    if seen["blocked_at"] is not None and seen["blocked_at"] + block > at:
        return seen["blocked_at"] + block - at
    limits = [
        (seen["minute"], rules.attempts_per_minute),
        (seen["hour"], rules.attempts_per_hour),
        (seen["day"], rules.attempts_per_day),
    ]
    if any(count >= limit for count, limit in limits):
        record_block(phone=phone, rules=rules, at=at)
        return block
    return None
