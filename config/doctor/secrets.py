"""Keys, and the stored secrets they protect."""

from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from config.doctor.findings import Finding, Verdict, judge
from configuration.encryption import UnreadableSecret, decrypt
from configuration.selectors import newest_versions
from configuration.storage import is_sealed
from ussd.models import Gateway


def check_secret_key() -> list[Finding]:
    """The key that signs sessions."""
    return [
        judge(
            "secret key",
            len(settings.SECRET_KEY) >= 50 and not settings.SECRET_KEY.startswith(("dev-only", "test-only")),
            f"{len(settings.SECRET_KEY)} characters",
            "Set SECRET_KEY to 50 or more random characters, the same on every host.",
        )
    ]


def check_stored_secrets() -> list[Finding]:
    """Secrets in force must be readable; by the newest key alone before an old key may go."""
    newest = Fernet(settings.FIELD_ENCRYPTION_KEYS[0])
    unreadable: set[str] = set()
    old: set[str] = set()
    for place, token in _stored_secrets():
        try:
            newest.decrypt(token)
        except InvalidToken:
            (old if _is_readable(token) else unreadable).add(place)
    keys = len(settings.FIELD_ENCRYPTION_KEYS)
    return [
        judge(
            "stored secrets",
            not unreadable,
            f"unreadable: {_names(unreadable)}" if unreadable else f"all readable, {keys} key(s)",
            "Put the key they were stored with back at the end of FIELD_ENCRYPTION_KEYS, or set them anew.",
        ),
        judge(
            "old encryption keys",
            not old,
            f"still needed for {_names(old)}" if old else "none needed",
            "Save those settings once more, and make new secrets for those gateways; then the old key may go.",
            otherwise=Verdict.WARN,
        ),
    ]


def _stored_secrets() -> Iterator[tuple[str, bytes]]:
    for slug, row in newest_versions().items():
        for token in _sealed(row.values):
            yield f"settings {slug}", token.encode()
    for gateway in Gateway.objects.exclude(secret=""):
        yield f"gateway {gateway.slug}", gateway.secret.encode()


def _sealed(stored: Any) -> Iterator[str]:
    if is_sealed(stored):
        yield from stored.values()
    elif isinstance(stored, dict | list):
        for value in stored.values() if isinstance(stored, dict) else stored:
            yield from _sealed(value)


def _is_readable(token: bytes) -> bool:
    try:
        decrypt(token.decode())
    except UnreadableSecret:
        return False
    return True


def _names(places: set[str]) -> str:
    return ", ".join(sorted(places))
