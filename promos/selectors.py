"""Reads of promotions that join, count or annotate."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import CharField, Count, DecimalField, Exists, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from accounts.models import User
from promos.models import Batch, BudgetSlice, GenerationRun, PromoCode, Redemption
from promos.statuses import BatchStatus, CodeStatus, RedemptionStatus, RunStatus
from promos.terms import clean_name


@dataclass(frozen=True)
class RedemptionNews:
    """Where the payout of a code stands that the customer has not heard of since it changed."""

    redemption_id: UUID
    status: RedemptionStatus
    amount: Decimal
    currency: str
    redeemed_at: datetime


def unheard_redemption() -> Subquery:
    """For a query over customers: their latest redemption whose outcome they have not heard, as JSON."""
    latest = Redemption.objects.filter(customer=OuterRef("pk"), announced_at__isnull=True).order_by("-created_at")
    return Subquery(
        latest.values(
            news=JSONObject(
                id="id",
                status="status",
                # As text: a JSON number would come back as a float.
                amount=Cast("amount", CharField()),
                currency="currency",
                at="created_at",
            )
        )[:1]
    )


def read_redemption_news(found: dict[str, str]) -> RedemptionNews:
    """What `unheard_redemption` found."""
    redeemed_at = parse_datetime(found["at"])
    assert redeemed_at is not None
    return RedemptionNews(
        redemption_id=UUID(found["id"]),
        status=RedemptionStatus(found["status"]),
        amount=Decimal(found["amount"]),
        currency=found["currency"],
        redeemed_at=redeemed_at,
    )


def has_codes_left(batch: Batch, *, cutoff: datetime) -> bool:
    """Whether something can still be redeemed, or will be: a code in life, or a run that is still making some.

    `cutoff` is now minus the grace period.
    """
    codes = PromoCode.objects.filter(batch=batch)
    return (
        codes.filter(status=CodeStatus.ACTIVE).exists()
        or codes.filter(codes_to_revive(cutoff)).exists()
        or GenerationRun.objects.filter(batch=batch, status__in=RunStatus.UNFINISHED).exists()
    )


def codes_to_revive(cutoff: datetime) -> Q:
    """Expired codes whose date, their own or the batch's, has been moved since and is in the future."""
    dated = Q(expires_at__gt=cutoff) | Q(expires_at__isnull=True, batch__expiration_date__gt=cutoff)
    return Q(status=CodeStatus.EXPIRED) & dated


def codes_to_expire(cutoff: datetime) -> Q:
    """Active codes of expired batches, without a later date of their own."""
    return Q(status=CodeStatus.ACTIVE) & (Q(expires_at__isnull=True) | Q(expires_at__lte=cutoff))


def batches_past_date(cutoff: datetime) -> QuerySet[Batch]:
    """Active batches whose date and grace period are over."""
    return Batch.objects.filter(status=BatchStatus.ACTIVE, expiration_date__lte=cutoff)


def batches_with(codes: Q, *, status: BatchStatus) -> QuerySet[Batch]:
    """Batches of this status that have such codes."""
    return Batch.objects.filter(Exists(PromoCode.objects.filter(codes, batch=OuterRef("pk"))), status=status)


def batches_used_up(cutoff: datetime) -> QuerySet[Batch]:
    """Active batches with codes, none of which can be redeemed any more, and no run making others."""
    runs = GenerationRun.objects.filter(batch=OuterRef("pk"), status__in=RunStatus.UNFINISHED)
    # Two questions, because the index answers each with one look per batch, and their OR only by reading all codes.
    active = PromoCode.objects.filter(batch=OuterRef("pk"), status=CodeStatus.ACTIVE)
    to_revive = PromoCode.objects.filter(codes_to_revive(cutoff), batch=OuterRef("pk"))
    used_up = Batch.objects.filter(~Exists(active), ~Exists(to_revive), ~Exists(runs))
    return used_up.filter(status=BatchStatus.ACTIVE, total_codes__gt=0)


def batch_named(name: str) -> Batch | None:
    """The batch with this name, in any case."""
    return Batch.objects.filter(name__iexact=clean_name(name)).first()


def first_codes(run: GenerationRun, *, most: int) -> list[str]:
    """The run's codes in the order they were stored, stored form."""
    return list(PromoCode.objects.filter(run=run).order_by("pk").values_list("code", flat=True)[:most])


def runs_without_worker(at: datetime, *, patience: timedelta) -> QuerySet[GenerationRun]:
    """Unfinished runs nobody works on: a lost nudge, or a worker that died."""
    waiting = Q(lease_until__isnull=True, created_at__lt=at - patience) | Q(lease_until__lt=at)
    return GenerationRun.objects.filter(waiting, status__in=RunStatus.UNFINISHED).order_by("created_at")


def batches_with_budget_left() -> QuerySet[Batch]:
    """Batches with `budget_left`: the sum of their slices, null for those without a budget."""
    left = (
        BudgetSlice.objects.filter(batch=OuterRef("pk"))
        .order_by()
        .values("batch")
        .annotate(s=Sum("remaining"))
        .values("s")
    )
    return Batch.objects.annotate(budget_left=Subquery(left))


def count_codes(batch: Batch) -> dict[str, int]:
    """The batch's codes by status; from the index alone."""
    counts = PromoCode.objects.filter(batch=batch).order_by().values_list("status").annotate(number=Count("pk"))
    return dict(counts)


def redemption_of(code: PromoCode) -> Redemption | None:
    """The code's redemption, if it has one."""
    return Redemption.objects.filter(promo_code=code).first()


def staff_to_assign() -> QuerySet[User]:
    """Staff members a batch can be given to."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("email")


def promised_amount(batch: Batch) -> Decimal:
    """What customers were promised from this batch: every redemption that was not cancelled."""
    zero = Value(Decimal(0), output_field=DecimalField(max_digits=16, decimal_places=2))
    live = Redemption.objects.filter(batch=batch).exclude(status=RedemptionStatus.CANCELLED)
    return live.aggregate(total=Coalesce(Sum("amount"), zero))["total"]
