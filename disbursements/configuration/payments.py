"""The account that pays Rwandan francs, and what holds for payouts from every account."""

from typing import Annotated, ClassVar

from pydantic import Field

from disbursements.configuration.account import FloatCurrency, ProviderAccount, TargetEnvironment
from disbursements.configuration.fields import Schedule, Seconds
from disbursements.statuses import ProviderSlug


class PaymentSettings(ProviderAccount):
    """Where money is sent and how much; and, for all accounts, how often a payout is tried."""

    slug: ClassVar[str] = "payments"
    title: ClassVar[str] = "Payouts"
    provider: ClassVar[ProviderSlug] = ProviderSlug.MTN_MOMO

    momo_target_environment: TargetEnvironment = "mtnrwanda"
    momo_currency: FloatCurrency = "RWF"

    max_retries: int = Field(3, ge=0, le=5, description="New tries after refusals that may pass")
    retry_delays_seconds: dict[Annotated[str, Field(max_length=30)], Schedule] = Field(
        default_factory=lambda: {"promo": (60, 300, 900, 1800, 3600), "loan": (2, 4, 8)},
        max_length=20,
        description="Pauses before each new try, by purpose; the last one repeats",
    )
    poll_delays_seconds: Schedule = Field(
        (2, 5, 15, 30, 60, 300, 900, 3600),
        description="Pauses between questions about a payout under way; the last one repeats",
    )
    resend_after_seconds: Seconds = Field(
        30, description="The provider must not know a reference for so long before the same one is sent again"
    )
    not_paid_after_hours: int = Field(
        24,
        ge=1,
        le=720,
        description="A reference the provider still does not know after so long may be stated as not paid by a person",
    )
    float_recheck_seconds: Seconds = Field(60, description="Pause of payouts while our float at the provider is short")
    stuck_after_minutes: int = Field(
        60, ge=1, le=10_080, description="A payout under way for longer is reported as stuck"
    )
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="Sends without a clear answer, one after another, that pause sending"
    )
    breaker_open_seconds: int = Field(
        30, ge=1, le=3600, description="Length of that pause; then one payout is sent to see"
    )
