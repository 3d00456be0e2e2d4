"""What may be asked about tokens: the limits of each argument, and the refusals."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from accounts.address_lists import parse_networks
from accounts.statuses import TokenScope

DEFAULT_DAYS = 30
MOST_DAYS = 3650
DEFAULT_RATE_LIMIT = 1000
MOST_RATE_LIMIT = 1_000_000
# They are looked through at each request.
MOST_ALLOWED_IPS = 100


class TokenRefused(ValueError):
    """A token cannot be made or moved like this. `field` is the argument at fault, empty when it is none."""

    code = "TOKEN_REFUSED"
    field = ""


class InvalidTokenRequest(TokenRefused):
    """An argument is out of its range."""

    code = "INVALID_TOKEN_REQUEST"

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class PartnerHasActiveToken(TokenRefused):
    """One active token per partner address, and at most one that is being replaced."""

    code = "PARTNER_HAS_ACTIVE_TOKEN"
    field = "partner_email"


class TokenMoveRefused(TokenRefused):
    """The token's status does not allow it."""

    code = "TOKEN_MOVE_REFUSED"


def check_partner(email: str) -> str:
    """The address in lower case."""
    partner = email.strip().lower()
    try:
        validate_email(partner)
    except ValidationError as error:
        raise InvalidTokenRequest("partner_email", f"{email!r} is not an e-mail address.") from error
    return partner


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """Each once, in the order of TokenScope; at least one."""
    asked = {str(scope).strip() for scope in scopes} - {""}
    known = TokenScope.values
    if not asked:
        raise InvalidTokenRequest("scopes", f"Name at least one scope of {', '.join(known)}.")
    if unknown := sorted(asked.difference(known)):
        raise InvalidTokenRequest("scopes", f"Unknown scope {', '.join(unknown)}: choose from {', '.join(known)}.")
    return [scope for scope in known if scope in asked]


def check_gateway(slug: str) -> str:
    """A gateway's short name, or empty."""
    try:
        if slug:
            validate_slug(slug)
    except ValidationError as error:
        raise InvalidTokenRequest("gateway", f"{slug!r} is not a gateway's short name.") from error
    return _short(slug, field="gateway", longest=50)


def check_name(name: str) -> str:
    """What the token is for, in the staff's words, or empty."""
    return _short(name, field="name", longest=100)


def check_days(days: int) -> int:
    """Days a token lives."""
    return _within(days, most=MOST_DAYS, field="days", unit="days")


def check_rate_limit(rate_limit: int) -> int:
    """Requests a minute."""
    return _within(rate_limit, most=MOST_RATE_LIMIT, field="rate_limit", unit="requests a minute")


def check_allowed_ips(texts: Iterable[str]) -> list[str]:
    """Addresses and networks, as they are stored; none at all: any address."""
    try:
        networks = parse_networks(texts)
    except ValueError as error:
        raise InvalidTokenRequest("allowed_ips", f"{error}.") from error
    if len(networks) > MOST_ALLOWED_IPS:
        raise InvalidTokenRequest("allowed_ips", f"At most {MOST_ALLOWED_IPS} addresses and networks.")
    return networks


def _short(text: str, *, field: str, longest: int) -> str:
    if len(text) > longest:
        raise InvalidTokenRequest(field, f"At most {longest} characters.")
    return text.strip()


def _within(value: int, *, most: int, field: str, unit: str) -> int:
    if not 1 <= value <= most:
        raise InvalidTokenRequest(field, f"Between 1 and {most:,} {unit}.")
    return value
