"""The exact bytes an event's hash is taken over, and the cleaning that makes them survive the database.

Whoever verifies must rebuild the same bytes from a stored row, with or without this code, so the form is
plain: JSON with sorted keys and no spaces, non-ASCII escaped, times as UTC ISO 8601 with microseconds.
Values are cleaned *before* storing, because JSONB changes what it is given: it turns 1e16 into an integer
and refuses NUL. Hence decimals and floats are stored as text, and NUL becomes U+FFFD.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from ipaddress import IPv6Address, ip_address
from itertools import pairwise
from typing import Any, Protocol
from uuid import UUID

MASK = "********"
# Matched as whole words of a key: `apiKey`, `api_key` and `X-Api-Key` are one. "code" is no secret.
_SECRET_WORDS = frozenset(
    {"secret", "secrets", "password", "passwords", "passphrase", "token", "tokens", "pin", "otp"}
    | {"authorization", "cookie", "credential", "credentials"}
)
_SECRET_PAIRS = frozenset({"api key", "private key", "subscription key", "encryption key", "signing key", "access key"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Hashable(Protocol):
    """What is hashed of an event; `audit.models.AuditEvent` has all of it."""

    uid: UUID
    at: datetime
    action: str
    actor_id: str
    actor_label: str
    ip: str | None
    request_id: str
    target_type: str
    target_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


def canonical_form(event: Hashable) -> bytes:
    """Everything the event says, as the bytes that are hashed. The id is given by the database and is left out."""
    return json.dumps(
        {
            "v": 1,
            "uid": str(event.uid),
            "at": utc_text(event.at),
            "action": event.action,
            "actor_id": event.actor_id,
            "actor_label": event.actor_label,
            "ip": ip_address(event.ip).exploded if event.ip else None,
            "request_id": event.request_id,
            "target_type": event.target_type,
            "target_id": event.target_id,
            "before": event.before,
            "after": event.after,
            "reason": event.reason,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
    ).encode("ascii")


def row_hash(event: Hashable) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical_form(event)).hexdigest()


def utc_text(moment: datetime) -> str:
    """`2026-11-20T04:28:00.000000Z`. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("An audited time needs a time zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clean_text(text: object, *, longest: int | None = None) -> str:
    """Text that PostgreSQL stores as it is: no NUL, no lone surrogate, at most `longest` characters."""
    cleaned = str(text).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return cleaned if longest is None else cleaned[:longest]


def clean_address(address: str | None) -> str | None:
    """An IP address as it is stored: no zone, an IPv4 one never wrapped in IPv6. None for what is no address."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def clean_values(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Before or after values as JSON that survives the database, with secrets masked by the name of their key."""
    return {} if values is None else _clean_mapping(values)


def _clean_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        clean_text(key): MASK if is_secret(str(key)) and value not in (None, "") else _clean(value)
        for key, value in values.items()
    }


def is_secret(key: str) -> bool:
    """Whether values under this key are masked: `token`, `apiKey`, `client_secret`, but not `token_id`."""
    words = [word.lower() for word in _WORD.findall(key)]
    if words and words[-1] in ("id", "prefix", "count", "status"):
        return False
    return bool(_SECRET_WORDS.intersection(words)) or any(
        f"{first} {second}" in _SECRET_PAIRS for first, second in pairwise(words)
    )


def _clean(value: Any) -> Any:
    if isinstance(value, Enum):
        return _clean(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal | float):
        return str(value)
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _clean_mapping(value)
    if isinstance(value, set | frozenset):
        return sorted((_clean(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return clean_text(value)
