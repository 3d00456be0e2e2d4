"""The account that pays naira: loans, and promos in Nigeria."""

from decimal import Decimal
from typing import ClassVar

from disbursements.configuration.account import (
    FloatCurrency,
    LargestPayout,
    ProviderAccount,
    SmallestPayout,
    TargetEnvironment,
)
from disbursements.statuses import ProviderSlug


class NigeriaPayments(ProviderAccount):
    """Where naira are sent, and how much. When a payout is tried again stands in *Payouts*."""

    slug: ClassVar[str] = "payments_ng"
    title: ClassVar[str] = "Payouts in naira"
    provider: ClassVar[ProviderSlug] = ProviderSlug.MTN_MOMO_NG

    momo_target_environment: TargetEnvironment = "mtnnigeria"
    momo_currency: FloatCurrency = "NGN"
    min_amount: SmallestPayout = Decimal(50)
    max_amount: LargestPayout = Decimal(1_000_000)
