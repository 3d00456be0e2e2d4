"""What every account at a provider is told by staff: one category of settings for each market."""

from decimal import Decimal
from typing import Annotated, ClassVar

from django.conf import settings
from pydantic import Field, SecretStr

from configuration.categories import Category
from configuration.locks import lock_category
from configuration.registry import all_categories
from configuration.selectors import stored_category
from disbursements.configuration.fields import HeaderSecret, Money, Network, Url, UserAgent
from disbursements.statuses import ProviderSlug

MTN_PRODUCTION_URL = "https://proxy.momoapi.mtn.com"
# Stands for the question who pays which currency: whoever changes an account's answer waits for the others.
CURRENCIES = "payout_currencies"

TargetEnvironment = Annotated[
    str, Field(pattern=r"^[a-z]{1,40}$", description="MTN MoMo: X-Target-Environment, such as mtnrwanda")
]
FloatCurrency = Annotated[
    str, Field(pattern=r"^[A-Z]{3}$", description="MTN MoMo: currency of our float in that environment")
]
SmallestPayout = Annotated[Money, Field(description="Smallest payout")]
LargestPayout = Annotated[Money, Field(description="Largest payout")]


def default_momo_url() -> str:
    """The simulated provider in sandbox mode, MTN's production otherwise."""
    return settings.SANDBOX_URL if settings.SANDBOX else MTN_PRODUCTION_URL


class ProviderAccount(Category):
    """Our account at MTN MoMo in one market: where it is, as whom we speak, how much it may pay.

    A market is a subclass with its slug, its `provider` and its defaults, registered like every category.
    """

    # Names the account in payouts, breakers, balances and the ledger's float.
    provider: ClassVar[ProviderSlug]
    never_guessed: ClassVar[frozenset[str]] = frozenset(
        {"momo_enabled", "momo_currency", "min_amount", "max_amount", "approval_threshold"}
    )

    momo_enabled: bool = Field(
        True, description="MTN MoMo: new payouts are made from this account; those promised before go on in any case"
    )
    momo_base_url: Url = Field(default_factory=default_momo_url, description="MTN MoMo: address of the API")
    momo_target_environment: TargetEnvironment
    momo_currency: FloatCurrency
    momo_api_user: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._@+-]{0,100}$",
        description="MTN MoMo: API user (User ID in the Partner Portal)",
    )
    momo_api_key: HeaderSecret = Field(
        SecretStr(""), description="MTN MoMo: API key (Credential Token in the Partner Portal)"
    )
    momo_subscription_key: HeaderSecret = Field(
        SecretStr(""), description="MTN MoMo: subscription key of the Disbursements product"
    )
    momo_user_agent: UserAgent = Field("Starhash/1.0", description="MTN MoMo: User-Agent we send")
    momo_connect_timeout_seconds: int = Field(5, ge=1, le=60, description="MTN MoMo: how long a connection may take")
    momo_read_timeout_seconds: int = Field(
        30, ge=1, le=120, description="MTN MoMo: how long a whole answer may take; a token can need 20 s"
    )
    momo_callbacks_enabled: bool = Field(
        True, description="MTN MoMo: ask for callbacks, when PUBLIC_URL is set; polling goes on anyway"
    )
    momo_callback_networks: tuple[Network, ...] = Field(
        (),
        max_length=50,
        description="MTN MoMo: IP addresses or networks callbacks may come from; empty accepts any",
    )
    token_renew_margin_seconds: int = Field(
        600, ge=0, le=3000, description="An access token is renewed so long before it expires"
    )

    min_amount: SmallestPayout = Decimal(1)
    max_amount: LargestPayout = Decimal(5_000_000)
    approval_threshold: Money = Field(Decimal(0), description="Payouts above this wait for a second person; 0 is never")

    @property
    def is_simulated(self) -> bool:
        """Whether it pays in the sandbox, and so no real money."""
        return bool(self.momo_base_url == settings.SANDBOX_URL.rstrip("/"))

    def refusals(self) -> dict[str, list[str]]:
        """Amounts in the wrong order, plain http outside the sandbox, and a currency that another account pays.

        Reads the other accounts from the database, and inside a transaction keeps anybody else from changing one.
        """
        found: dict[str, list[str]] = {}
        if self.min_amount > self.max_amount:
            found["min_amount"] = ["The smallest payout is above the largest."]
        if not settings.SANDBOX and not self.momo_base_url.startswith("https://"):
            found["momo_base_url"] = ["Credentials travel over https only."]
        if self.momo_enabled and (other := self._rival()):
            words = f"{other} pays {self.momo_currency} already. Switch it off there, or change its currency, first."
            found["momo_currency"] = [words]
        return found

    def _rival(self) -> str:
        """Title of another account that pays our currency, in quotes; empty when there is none."""
        lock_category(CURRENCIES)
        for category in account_categories():
            other = stored_category(category).values
            if isinstance(self, category) or not isinstance(other, ProviderAccount):
                continue
            if other.momo_enabled and other.momo_currency == self.momo_currency:
                return repr(category.title)
        return ""


def account_categories() -> list[type[ProviderAccount]]:
    """The category of every account, in the order of their titles."""
    return [category for category in all_categories() if issubclass(category, ProviderAccount)]
