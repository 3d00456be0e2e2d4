"""System checks that explain themselves: each says what is wrong, what it would do to money, and the fix."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_sandbox_is_off(**_kwargs: Any) -> list[CheckMessage]:
    """Sandbox mode lets anybody dial from any number; it must not face the world."""
    if settings.SANDBOX:
        return [Error("SANDBOX is on in a deployment.", hint="Unset SANDBOX or set it to 0.", id="starhash.E001")]
    return []


@register(Tags.security, deploy=True)
def check_public_url(**_kwargs: Any) -> list[CheckMessage]:
    """Without a public https address providers cannot call back; payouts are then found by polling only."""
    if not settings.PUBLIC_URL.startswith("https://"):
        return [
            Warning(
                "PUBLIC_URL is not an https address: no provider can call back.",
                hint="Set PUBLIC_URL to the address providers reach, as https://pay.example.com",
                id="starhash.W001",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_proxies(**_kwargs: Any) -> list[CheckMessage]:
    """We speak plain HTTP to a proxy that ends TLS; unless we believe it, every request looks insecure to us."""
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        return [
            Warning(
                "TRUSTED_PROXIES is 0: every request is sent to https again, for ever.",
                hint="Set TRUSTED_PROXIES to the number of proxies in front of us; "
                "the first must set X-Forwarded-For and X-Forwarded-Proto.",
                id="starhash.W002",
            )
        ]
    return []
