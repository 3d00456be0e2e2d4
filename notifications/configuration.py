"""Settings of messages to customers (spec 5, "Notification System"; Africa's Talking)."""

from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import Field, SecretStr, field_validator

from configuration.categories import Category
from notifications.templates import TemplateRefused, UnknownTemplate, check_words, template_by_key

LIVE_URL = "https://api.africastalking.com"
# What the sandbox process accepts; they open nothing else.
SANDBOX_USERNAME = "sandbox"
SANDBOX_API_KEY = "sandbox-sms-api-key"


def _default_url() -> str:
    return settings.SANDBOX_URL if settings.SANDBOX else LIVE_URL


def _default_username() -> str:
    return SANDBOX_USERNAME if settings.SANDBOX else ""


def _default_api_key() -> SecretStr:
    return SecretStr(SANDBOX_API_KEY if settings.SANDBOX else "")


class NotificationSettings(Category):
    """How SMS leave, how often they are tried, and the words staff put in place of ours."""

    slug: ClassVar[str] = "notifications"
    title: ClassVar[str] = "Notifications"

    enabled: bool = Field(True, description="Send SMS. While off, messages wait in the queue and go out later")
    base_url: str = Field(
        default_factory=_default_url,
        max_length=200,
        description="Address of Africa's Talking's SMS API, without the path",
    )
    username: str = Field(
        default_factory=_default_username, max_length=100, description="User name at Africa's Talking"
    )
    api_key: SecretStr = Field(
        default_factory=_default_api_key, max_length=200, description="API key at Africa's Talking"
    )
    sender_id: str = Field(
        "",
        max_length=20,
        pattern=r"^[A-Za-z0-9 ._-]*$",
        description="Registered sender id or short code. Empty: the account's default",
    )
    connect_timeout_seconds: float = Field(3.05, ge=0.1, le=30, description="Longest wait for a connection, in seconds")
    read_timeout_seconds: float = Field(10.0, ge=0.1, le=60, description="Longest wait for an answer, in seconds")
    max_tries: int = Field(5, ge=1, le=20, description="How often one message is tried before it has failed")
    retry_delays_seconds: list[int] = Field(
        [10, 60, 300, 1800],
        min_length=1,
        max_length=20,
        description="Seconds before the second try, the third, and so on; the last one repeats",
    )
    hold_minutes: int = Field(
        10,
        ge=1,
        le=1440,
        description="Minutes until a message is tried again that waits for somebody: account without credit, "
        "key refused, message held for risk. Such waiting uses up no try",
    )
    give_up_after_hours: int = Field(
        24, ge=1, le=168, description="A message not taken by the provider after so many hours has failed"
    )
    delivery_report_secret: SecretStr = Field(
        SecretStr(""),
        max_length=100,
        description="Last part of the address for delivery reports, so that strangers cannot send any. "
        "Empty: the address without it is open",
    )
    templates: dict[str, dict[str, str]] = Field(
        {},
        description='Words in place of ours: {"template": {"en": "...", "rw": "..."}}',
    )

    @field_validator("base_url")
    @classmethod
    def url_is_http(cls, value: str) -> str:
        """An address that requests can call; a trailing slash is taken off."""
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address such as https://api.africastalking.com")
        return value.rstrip("/")

    @field_validator("retry_delays_seconds")
    @classmethod
    def delays_are_sensible(cls, value: list[int]) -> list[int]:
        """Between a second and a day."""
        if any(not 1 <= delay <= 86_400 for delay in value):
            raise ValueError("each delay must be between 1 and 86400 seconds")
        return value

    @field_validator("delivery_report_secret")
    @classmethod
    def secret_fits_a_path(cls, value: SecretStr) -> SecretStr:
        """Letters, digits, - and _, so that it needs no escaping in an address."""
        plain = value.get_secret_value()
        if plain and not (plain.isascii() and plain.replace("-", "").replace("_", "").isalnum()):
            raise ValueError("may hold letters, digits, - and _ only")
        return value

    def refusals(self) -> dict[str, list[str]]:
        """Plain http outside the sandbox, words that could not be sent, words that belong to no template."""
        found: dict[str, list[str]] = {}
        if not settings.SANDBOX and not self.base_url.startswith("https://"):
            found["base_url"] = ["The key travels over https only."]
        for key, by_language in self.templates.items():
            for language, words in by_language.items():
                try:
                    check_words(template_by_key(key), language=language, words=words)
                except (TemplateRefused, UnknownTemplate) as error:
                    found.setdefault("templates", []).append(str(error))
        return found
