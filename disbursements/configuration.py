"""Settings of payouts that staff may change (spec 5, "Payment Integration Settings")."""

from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import AfterValidator, Field, SecretStr

from configuration.categories import Category

MTN_PRODUCTION_URL = "https://proxy.momoapi.mtn.com"
DAY_SECONDS = 86_400


def default_momo_url() -> str:
    """The simulated provider in sandbox mode, MTN's production otherwise."""
    return settings.SANDBOX_URL if settings.SANDBOX else MTN_PRODUCTION_URL


def check_url(value: str) -> str:
    """A bare http(s) address, without slash. Raises ValueError for anything more, and for anything unreadable."""
    parts = urlsplit(value)
    rest = (parts.username, parts.path.strip("/"), parts.query, parts.fragment)
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(rest):
        raise ValueError("must be http:// or https:// and a host, nothing else")
    _ = parts.port  # raises ValueError for a port that is none
    return value.rstrip("/")


def check_user_agent(value: str) -> str:
    """MTN's new platform answers 403 to the name of the HTTP library (mobile money notes A1)."""
    if "python-requests" in value.lower():
        raise ValueError("must not contain python-requests: MTN refuses it")
    return value


def check_header_secret(value: SecretStr) -> SecretStr:
    """What travels in a header must be plain printable characters."""
    text = value.get_secret_value()
    if len(text) > 200 or not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError("must be at most 200 plain characters without spaces around them")
    return value


def check_network(value: str) -> str:
    """An IP address or network. Raises ValueError for anything else."""
    return str(ip_network(value))


HeaderSecret = Annotated[SecretStr, AfterValidator(check_header_secret)]
Seconds = Annotated[int, Field(ge=1, le=7 * DAY_SECONDS)]
Schedule = Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=20)]
Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]


class PaymentSettings(Category):
    """Where money is sent, how often it is tried, how much may be sent."""

    slug: ClassVar[str] = "payments"
    title: ClassVar[str] = "Payouts"
    never_guessed: ClassVar[frozenset[str]] = frozenset(
        {"momo_currency", "min_amount", "max_amount", "approval_threshold"}
    )

    momo_base_url: Annotated[str, AfterValidator(check_url)] = Field(
        default_factory=default_momo_url, max_length=200, description="MTN MoMo: address of the API"
    )
    momo_target_environment: str = Field(
        "mtnrwanda", pattern=r"^[a-z]{1,40}$", description="MTN MoMo: X-Target-Environment, such as mtnrwanda"
    )
    momo_currency: str = Field(
        "RWF", pattern=r"^[A-Z]{3}$", description="MTN MoMo: currency of our float in that environment"
    )
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
    momo_user_agent: Annotated[str, AfterValidator(check_user_agent)] = Field(
        "Starhash/1.0", pattern=r"^[!-~]([ -~]{0,98}[!-~])?$", description="MTN MoMo: User-Agent we send"
    )
    momo_connect_timeout_seconds: int = Field(5, ge=1, le=60, description="MTN MoMo: how long a connection may take")
    momo_read_timeout_seconds: int = Field(
        30, ge=1, le=120, description="MTN MoMo: how long a whole answer may take; a token can need 20 s"
    )
    momo_callbacks_enabled: bool = Field(
        True, description="MTN MoMo: ask for callbacks, when PUBLIC_URL is set; polling goes on anyway"
    )
    momo_callback_networks: tuple[Annotated[str, AfterValidator(check_network)], ...] = Field(
        (),
        max_length=50,
        description="MTN MoMo: IP addresses or networks callbacks may come from; empty accepts any",
    )
    token_renew_margin_seconds: int = Field(
        600, ge=0, le=3000, description="An access token is renewed so long before it expires"
    )

    min_amount: Money = Field(Decimal(1), description="Smallest payout")
    max_amount: Money = Field(Decimal(5_000_000), description="Largest payout")
    approval_threshold: Money = Field(Decimal(0), description="Payouts above this wait for a second person; 0 is never")

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

    def refusals(self) -> dict[str, list[str]]:
        """Amounts in the wrong order, and plain http outside the sandbox."""
        found: dict[str, list[str]] = {}
        if self.min_amount > self.max_amount:
            found["min_amount"] = ["The smallest payout is above the largest."]
        if not settings.SANDBOX and not self.momo_base_url.startswith("https://"):
            found["momo_base_url"] = ["Credentials travel over https only."]
        return found
