"""How commands show a token they have just made: the only time it can be shown."""

import json
from datetime import UTC, datetime

from accounts.models import ApiToken


def token_as_json(token: ApiToken, plain: str) -> str:
    """One JSON object."""
    shown = {
        "partner": token.partner_email,
        "token": plain,
        "prefix": token.prefix,
        "scopes": token.scopes,
        "gateway": token.gateway,
        "rateLimit": token.rate_limit,
        "allowedFrom": token.allowed_ips,
        "expiresAt": _iso(token.expires_at),
    }
    if token.replaces and token.replaces.retires_at:
        shown["replaces"] = {"prefix": token.replaces.prefix, "worksUntil": _iso(token.replaces.retires_at)}
    return json.dumps(shown)


def token_in_words(token: ApiToken, plain: str) -> str:
    """A few lines; the token stands alone on the second."""
    lines = [f"Token for {token.partner_email}, scopes {', '.join(token.scopes)}:", plain]
    lines.append(f"It expires on {token.expires_at:%Y-%m-%d}. It is not stored: keep it now.")
    if token.replaces and token.replaces.retires_at:
        lines.append(
            f"The old one ({token.replaces.prefix}…) works until {token.replaces.retires_at:%Y-%m-%d %H:%M} UTC."
        )
    return "\n".join(lines)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
