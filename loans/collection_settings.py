"""Settings of asking customers to pay by mobile money (MTN MoMo Collections) that staff may change."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from pydantic import Field, SecretStr

from configuration.categories import Category
from disbursements.configuration.account import default_momo_url
from disbursements.configuration.fields import HeaderSecret, Network, Schedule, Seconds, Url, UserAgent


class CollectionSettings(Category):
    """Where customers are asked to pay, as whom we ask, and how long we wait for their answer.

    Collections is a product of its own at MTN: its subscription key and API user are not those of payouts.
    """

    slug: ClassVar[str] = "collections"
    title: ClassVar[str] = "Requests to pay"
    never_guessed: ClassVar[frozenset[str]] = frozenset({"enabled", "currency"})

    enabled: bool = Field(True, description="Customers may be asked to pay; who was asked before goes on in any case")
    base_url: Url = Field(default_factory=default_momo_url, description="Address of the API")
    target_environment: str = Field(
        "mtnnigeria", pattern=r"^[a-z]{1,40}$", description="X-Target-Environment, such as mtnnigeria"
    )
    currency: str = Field("NGN", pattern=r"^[A-Z]{3}$", description="Currency of that environment")
    api_user: str = Field(
        "", pattern=r"^[A-Za-z0-9._@+-]{0,100}$", description="API user (User ID in the Partner Portal)"
    )
    api_key: HeaderSecret = Field(SecretStr(""), description="API key (Credential Token in the Partner Portal)")
    subscription_key: HeaderSecret = Field(SecretStr(""), description="Subscription key of the Collections product")
    user_agent: UserAgent = Field("Starhash/1.0", description="User-Agent we send")
    connect_timeout_seconds: int = Field(5, ge=1, le=60, description="How long a connection may take")
    read_timeout_seconds: int = Field(
        30, ge=1, le=120, description="How long a whole answer may take; a token can need 20 s"
    )
    token_renew_margin_seconds: int = Field(
        600, ge=0, le=3000, description="An access token is renewed so long before it expires"
    )
    callbacks_enabled: bool = Field(
        True, description="Ask for callbacks, when PUBLIC_URL is set; polling goes on anyway"
    )
    callback_networks: tuple[Network, ...] = Field(
        (), max_length=50, description="IP addresses or networks callbacks may come from; empty accepts any"
    )
    approval_minutes: int = Field(
        10,
        ge=1,
        le=1440,
        description="How long a customer has to approve. What has not reached the provider by then is given up, "
        "not sent late; one that has is asked about until the provider gives its word",
    )
    poll_delays_seconds: Schedule = Field(
        (3, 5, 10, 15, 30, 60, 300, 900, 3600),
        description="Pauses between questions about a request under way; the last one repeats",
    )
    retry_seconds: Seconds = Field(15, description="Pause after the provider could not be reached at all")
    resend_after_seconds: Seconds = Field(
        30, description="The provider must not know a reference for so long before the same one is sent again"
    )
    watch_hours: int = Field(
        24, ge=1, le=720, description="How long a request given up without the provider's word is asked about"
    )
    not_paid_after_hours: int = Field(
        24,
        ge=1,
        le=720,
        description="A reference the provider still does not know after so long may be closed by a person",
    )
    stuck_after_minutes: int = Field(
        60, ge=1, le=10_080, description="A request under way for longer is reported as stuck"
    )

    @property
    def approval_time(self) -> timedelta:
        """How long a customer has to approve."""
        return timedelta(minutes=self.approval_minutes)

    @property
    def is_simulated(self) -> bool:
        """Whether customers pay in the sandbox, and so no real money."""
        return bool(self.base_url == settings.SANDBOX_URL.rstrip("/"))

    def refusals(self) -> dict[str, list[str]]:
        """Plain http outside the sandbox."""
        if settings.SANDBOX or self.base_url.startswith("https://"):
            return {}
        return {"base_url": ["Credentials travel over https only."]}
