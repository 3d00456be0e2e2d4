"""System checks that explain themselves: each says what is wrong, what it would do to money, and the fix."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def check_encryption_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Secrets in configuration rows need at least one usable key."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [Error("FIELD_ENCRYPTION_KEYS is empty.", hint=_KEY_HINT, id="starhash.E001")]
    found: list[CheckMessage] = []
    for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            found.append(
                Error(
                    f"Key {number} of FIELD_ENCRYPTION_KEYS is not a Fernet key.",
                    hint=_KEY_HINT,
                    id="starhash.E002",
                )
            )
    return found


_KEY_HINT = (
    'Make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())" '
    "and keep the old ones after it, separated by commas."
)


@register(Tags.security, deploy=True)
def check_sandbox_is_off(**_kwargs: Any) -> list[CheckMessage]:
    """Sandbox mode lets anybody dial from any number; it must not face the world."""
    if settings.SANDBOX:
        return [Error("SANDBOX is on in a deployment.", hint="Unset SANDBOX or set it to 0.", id="starhash.E003")]
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
