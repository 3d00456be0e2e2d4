"""Reading payouts."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement, ProviderBalance
from disbursements.statuses import AttemptStatus, DisbursementStatus, WaitReason


def live_attempt(disbursement_id: UUID) -> Attempt | None:
    """The one reference that was not definitely refused, if there is one."""
    return Attempt.objects.filter(disbursement_id=disbursement_id).exclude(status=AttemptStatus.REFUSED).first()


def find_attempt(*, reference: str = "", external_id: str = "") -> Attempt | None:
    """The attempt a provider speaks of, by our reference or by our external id; None for what is not ours."""
    attempts = Attempt.objects.select_related("disbursement")
    try:
        found = attempts.filter(pk=UUID(reference)).first()
    except ValueError:
        found = None
    if found is None and external_id:
        found = attempts.filter(external_id=external_id).first()
    return found


def known_balance(*, provider: str, environment: str, currency: str) -> ProviderBalance | None:
    """What the provider last said our float is."""
    return ProviderBalance.objects.filter(provider=provider, environment=environment, currency=currency).first()


def stuck_disbursements(*, at: datetime) -> QuerySet[Disbursement]:
    """Payouts too long in a passing state, oldest first. One that waits for its next try counts once it is overdue."""
    since = at - timedelta(minutes=current(PaymentSettings).stuck_after_minutes)
    waits_for_next_try = Q(status=DisbursementStatus.QUEUED, wait_reason=WaitReason.RETRY, next_action_at__gt=since)
    passing = Disbursement.objects.filter(status__in=DisbursementStatus.LIVE, open_since__lte=since)
    return passing.exclude(waits_for_next_try).order_by("open_since", "pk")
