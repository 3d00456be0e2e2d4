"""Our float at the provider: what it is, whether it is short, and who waits for it."""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import transaction
from django.db.models import QuerySet

from configuration.selectors import current
from disbursements.accounts import paying_accounts
from disbursements.configuration import PaymentSettings
from disbursements.models import Disbursement, ProviderBalance
from disbursements.providers.base import FloatBalance, Outcome, Provider
from disbursements.providers.registry import provider_for
from disbursements.selectors import known_balance
from disbursements.services.claims import renew_claim
from disbursements.services.connections import release_connection
from disbursements.statuses import DisbursementStatus, ErrorClass, WaitReason

logger = structlog.get_logger(__name__)

# As many as the sweep hands over at once; a hundred thousand may wait.
WOKEN_AT_ONCE = 500


def balance_behind(
    outcome: Outcome, *, disbursement: Disbursement, provider: Provider, at: datetime
) -> FloatBalance | None:
    """Our float, asked for when the provider says that money is short: it says the same of a payee's own limit
    (mobile money notes A6). None when money was not the matter. HTTP: no transaction may be open.
    """
    if outcome.error_class != ErrorClass.FLOAT:
        return None
    renew_claim(disbursement.pk, at=at)
    release_connection()
    return provider.balance(disbursement.currency)


def is_float_short(disbursement: Disbursement, provider: Provider, *, at: datetime) -> bool:
    """Whether this payout would be refused for want of money, as far as we know.

    Known only after a refusal has shown it; then the provider is asked at most once per recheck pause. HTTP: no
    transaction may be open.
    """
    where = {"provider": provider.slug, "environment": provider.environment, "currency": disbursement.currency}
    known = known_balance(**where)
    if known is None or known.short_since is None:
        return False
    if known.checked_at <= at - timedelta(seconds=current(PaymentSettings).float_recheck_seconds):
        renew_claim(disbursement.pk, at=at)
        record_balance(provider, provider.balance(disbursement.currency), at=at)
        known = known_balance(**where)
    return known is not None and known.short_since is not None and known.available < disbursement.amount


def record_balance(provider: Provider, balance: FloatBalance, *, at: datetime) -> ProviderBalance | None:
    """Store what the provider said and wake payouts it is enough for, together. None when it said nothing."""
    if balance.available is None:
        return None
    waiting = Disbursement.objects.filter(
        provider=provider.slug,
        currency=balance.currency,
        status__in=(DisbursementStatus.QUEUED, DisbursementStatus.PROCESSING),
        wait_reason=WaitReason.FLOAT_SHORT,
    )
    is_short = waiting.filter(amount__gt=balance.available).exists()
    stored = _store(provider, balance.currency, balance.available, is_short=is_short, at=at)
    _wake(waiting, balance.available, at=at)
    return stored


def check_provider_balances(*, at: datetime) -> int:
    """Ask about the float of each account that makes new payouts; how many answered. Who waits for float in another
    has it asked for when the pause is over.
    """
    answered = 0
    for currency, account in paying_accounts().items():
        provider = provider_for(account.provider)
        if record_balance(provider, provider.balance(currency), at=at):
            answered += 1
    return answered


def _wake(waiting: QuerySet[Disbursement], available: Decimal, *, at: datetime) -> None:
    """Make the oldest due now, as far as the money goes. The others look for themselves when their pause is over."""
    with transaction.atomic():
        # Rows that a worker holds are left out: it knows better, and waiting for it here could end in a ring.
        asleep = waiting.filter(amount__lte=available, next_action_at__gt=at, claimed_until__isnull=True)
        oldest = asleep.order_by("open_since", "pk").select_for_update(skip_locked=True)
        woken = []
        for disbursement_id, amount in oldest.values_list("pk", "amount")[:WOKEN_AT_ONCE]:
            if amount <= available:
                available -= amount
                woken.append(disbursement_id)
        Disbursement.objects.filter(pk__in=woken).update(next_action_at=at)


def _store(provider: Provider, currency: str, available: Decimal, *, is_short: bool, at: datetime) -> ProviderBalance:
    with transaction.atomic():
        row, _ = ProviderBalance.objects.select_for_update(of=("self",)).get_or_create(
            provider=provider.slug,
            environment=provider.environment,
            currency=currency,
            defaults={"available": available, "checked_at": at},
        )
        if is_short and row.short_since is None:
            logger.error("float_short", provider=provider.slug, currency=currency)
        row.available = available
        row.checked_at = at
        row.short_since = (row.short_since or at) if is_short else None
        row.save(update_fields=["available", "checked_at", "short_since"])
    return row
