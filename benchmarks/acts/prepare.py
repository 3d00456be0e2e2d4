"""An empty product, ready for turns: migrated, configured, with one gateway, one token and one batch."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from accounts.services.token_requests import MOST_RATE_LIMIT
from accounts.services.tokens import create_token
from accounts.statuses import TokenScope
from audit.context import acting
from benchmarks import stock
from config.demo.cast import ACCOUNTS, MOMO_CREDENTIALS
from configuration.services import change_category
from promos.configuration import MOST_CODES_PER_RUN, PromoRules
from promos.services.batches import create_batch
from promos.terms import BatchTerms
from ussd.services.gateways import create_gateway
from ussd.statuses import GatewayKind


def prepare() -> dict[str, Any]:
    """Migrate and set up; the gateway's secret and the token.

    The token's limit is the highest there is; nothing else is lifted, since each customer dials once.
    """
    call_command("migrate", run_syncdb=True, verbosity=0)
    at = timezone.now()
    with acting(label="benchmarks"):
        for category, changes in (
            *((account, MOMO_CREDENTIALS) for account, _currency in ACCOUNTS),
            (PromoRules, {"max_codes_per_run": MOST_CODES_PER_RUN}),
        ):
            change_category(category, changes=changes, changed_by=None, reason="Benchmarks", at=at)
        _, secret = create_gateway(
            slug=stock.GATEWAY,
            name="Benchmarks",
            kind=GatewayKind.AFRICAS_TALKING,
            service_codes={stock.SERVICE_CODE: "promo"},
            at=at,
        )
        _, token = create_token(
            partner_email=stock.PARTNER,
            scopes=[TokenScope.USSD, TokenScope.LOANS],
            gateway=stock.GATEWAY,
            rate_limit=MOST_RATE_LIMIT,
            created_by=None,
            at=at,
        )
        create_batch(
            terms=BatchTerms(
                name=stock.BATCH,
                amount_per_code=Decimal(stock.AMOUNT),
                currency=stock.CURRENCY,
                expiration_date=at + timedelta(days=90),
                budget=Decimal(stock.BUDGET),
            ),
            at=at,
        )
    return {"secret": secret, "token": token}
