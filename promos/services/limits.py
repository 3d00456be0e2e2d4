"""How often one customer may redeem: counted in the same statement that locks the code."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from promos.configuration import PromoRules
from promos.models import PromoCode, Redemption
from promos.statuses import Reason, RedemptionStatus


@dataclass(frozen=True)
class LimitReached:
    """Which limit, and when it may be different; no time when waiting does not help."""

    reason: Reason
    retry_after: timedelta | None = None


def count_redemptions(*, customer: User, rules: PromoRules, at: datetime) -> dict[str, Any]:
    """Annotations for `lock_code`: the customer's redemptions so far, one for each limit that is on.

    The caller holds the customer's lock, so nobody adds one meanwhile. Cancelled ones do not count.
    """
    own = Redemption.objects.filter(customer=customer).exclude(status=RedemptionStatus.CANCELLED).order_by()
    counts: dict[str, Any] = {}
    if rules.max_redemptions_per_customer:
        counts["of_customer"] = _number(own)
    if rules.max_redemptions_per_customer_per_batch:
        counts["of_customer_in_batch"] = _number(own.filter(batch=OuterRef("batch")))
    if rules.max_redemptions_per_customer_per_day:
        counts["of_customer_today"] = _number(own.filter(created_at__gte=start_of_day(rules=rules, at=at)))
    if rules.cooldown_minutes:
        counts["last_redeemed_at"] = Subquery(own.order_by("-created_at").values("created_at")[:1])
    return counts


def find_limit(code: PromoCode, *, rules: PromoRules, at: datetime) -> LimitReached | None:
    """The first limit that this customer has reached, from the counts that came with the code."""
    counts = vars(code)
    if counts.get("of_customer", 0) >= (rules.max_redemptions_per_customer or 1):
        return LimitReached(Reason.CUSTOMER_TOTAL)
    if counts.get("of_customer_in_batch", 0) >= (rules.max_redemptions_per_customer_per_batch or 1):
        return LimitReached(Reason.CUSTOMER_BATCH)
    if counts.get("of_customer_today", 0) >= (rules.max_redemptions_per_customer_per_day or 1):
        tomorrow = start_of_day(rules=rules, at=at) + timedelta(days=1)
        return LimitReached(Reason.CUSTOMER_DAY, tomorrow - at)
    last = counts.get("last_redeemed_at")
    if last is not None and at - last < timedelta(minutes=rules.cooldown_minutes):
        return LimitReached(Reason.COOLDOWN, last + timedelta(minutes=rules.cooldown_minutes) - at)
    return None


def start_of_day(*, rules: PromoRules, at: datetime) -> datetime:
    """Midnight in the country, before `at`."""
    return datetime.combine(at.astimezone(rules.zone).date(), time(), tzinfo=rules.zone)


def _number(redemptions: Any) -> Any:
    count = redemptions.values("customer").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(count, output_field=IntegerField()), Value(0))
