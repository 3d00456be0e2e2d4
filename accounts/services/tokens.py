"""Partners' tokens: made, switched off and on, revoked (contract section 3, spec 1 decision 7)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError, transaction

from accounts import token_text
from accounts.locks import lock_active_tokens, lock_token
from accounts.models import ApiToken, User
from accounts.services.authority import require_super_administrator
from accounts.statuses import TokenScope, TokenStatus
from audit import services as audit

DEFAULT_DAYS = 30
MOST_DAYS = 3650
DEFAULT_RATE_LIMIT = 1000
MOST_RATE_LIMIT = 1_000_000


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
    """One active token per partner address."""

    code = "PARTNER_HAS_ACTIVE_TOKEN"
    field = "partner_email"


class TokenMoveRefused(TokenRefused):
    """The token's status does not allow it."""

    code = "TOKEN_MOVE_REFUSED"


def create_token(
    *,
    partner_email: str,
    scopes: Iterable[str],
    created_by: User | None,
    at: datetime,
    days: int = DEFAULT_DAYS,
    name: str = "",
    gateway: str = "",
    rate_limit: int = DEFAULT_RATE_LIMIT,
    plain: str = "",
) -> tuple[ApiToken, str]:
    """Make a token; return its row and the token itself, which nobody can read again.

    `created_by` is the person asking, who must be a Super Administrator; None when a command of the operator asks.
    It opens doors for `days` days, `rate_limit` times a minute. An earlier token of the partner that has expired
    becomes inactive. `plain` is for the sandbox's demo only, which derives its token instead of drawing one.
    Raises NotAllowed, InvalidTokenRequest, PartnerHasActiveToken.
    """
    require_super_administrator(created_by, to="make API tokens")
    partner = _partner(partner_email)
    _refuse_unless_within(days, most=MOST_DAYS, field="days", unit="days")
    _refuse_unless_within(rate_limit, most=MOST_RATE_LIMIT, field="rate_limit", unit="requests a minute")
    if plain and not (settings.SANDBOX and token_text.has_token_shape(plain)):
        raise InvalidTokenRequest("plain", "Only the sandbox names a token, and in the shape of one.")
    plain = plain or token_text.new_token()
    token = ApiToken(
        partner_email=partner,
        name=_short(name, field="name", longest=100),
        prefix=token_text.prefix_of(plain),
        checksum=token_text.checksum_of(plain),
        token_hash=token_text.hash_digest(token_text.digest_of(plain)),
        scopes=_scopes(scopes),
        gateway=_gateway(gateway),
        rate_limit=rate_limit,
        expires_at=at + timedelta(days=days),
        created_by=created_by,
    )
    with transaction.atomic():
        _retire_expired(partner, at=at)
        with _one_active_per_partner(partner):
            token.save(force_insert=True)
        audit.record("token.created", target=token, after=_describe(token), at=at)
    return token, plain


def _retire_expired(partner: str, *, at: datetime) -> None:
    for token in lock_active_tokens(partner):
        if token.expires_at <= at:
            _move(token, to=TokenStatus.INACTIVE, action="token.deactivated", reason="It had expired.", at=at)


@contextmanager
def _one_active_per_partner(partner: str) -> Iterator[None]:
    """The constraint is the judge, so that two who ask at once do not both get one."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "token_one_active_per_partner" not in str(error):
            raise
        raise PartnerHasActiveToken(f"{partner} has an active token already: revoke that one first.") from error


def revoke_token(*, token_id: int, reason: str = "", at: datetime) -> ApiToken:
    """From the next request on the token opens nothing, for ever. Revoking again changes nothing.

    Raises ApiToken.DoesNotExist.
    """
    with transaction.atomic():
        token = lock_token(token_id)
        if token.status != TokenStatus.REVOKED:
            token.revoked_at = at
            _move(token, to=TokenStatus.REVOKED, action="token.revoked", reason=reason, at=at)
    return token


def deactivate_token(*, token_id: int, reason: str = "", at: datetime) -> ApiToken:
    """From the next request on the token opens nothing, until it is activated again.

    Raises TokenMoveRefused for a revoked token, ApiToken.DoesNotExist.
    """
    with transaction.atomic():
        token = lock_token(token_id)
        if token.status != TokenStatus.INACTIVE:
            _move(token, to=TokenStatus.INACTIVE, action="token.deactivated", reason=reason, at=at)
    return token


def activate_token(*, token_id: int, reason: str = "", at: datetime) -> ApiToken:
    """The token opens doors again until it expires.

    Raises TokenMoveRefused for a revoked or expired token, PartnerHasActiveToken when the partner has another by
    now, ApiToken.DoesNotExist.
    """
    with transaction.atomic():
        token = lock_token(token_id)
        if token.status == TokenStatus.ACTIVE:
            return token
        if token.expires_at <= at:
            raise TokenMoveRefused(f"The token expired on {token.expires_at:%Y-%m-%d}: make a new one.")
        _retire_expired(token.partner_email, at=at)
        with _one_active_per_partner(token.partner_email):
            _move(token, to=TokenStatus.ACTIVE, action="token.activated", reason=reason, at=at)
    return token


def _move(token: ApiToken, *, to: TokenStatus, action: str, reason: str, at: datetime) -> None:
    """The only writer of a token's status."""
    before = token.status
    if to not in TokenStatus.MOVES[before]:
        raise TokenMoveRefused(f"A token that is {before} cannot become {to}.")
    token.status = to
    token.save(update_fields=["status", "revoked_at"])
    after = {"status": to, "partner_email": token.partner_email, "prefix": token.prefix}
    audit.record(action, target=token, before={"status": before}, after=after, reason=reason, at=at)


def _describe(token: ApiToken) -> dict[str, object]:
    names = ("partner_email", "name", "prefix", "scopes", "gateway", "rate_limit", "expires_at", "status")
    return {name: getattr(token, name) for name in names}


def _partner(email: str) -> str:
    partner = email.strip().lower()
    try:
        validate_email(partner)
    except ValidationError as error:
        raise InvalidTokenRequest("partner_email", f"{email!r} is not an e-mail address.") from error
    return partner


def _scopes(scopes: Iterable[str]) -> list[str]:
    asked = {str(scope).strip() for scope in scopes} - {""}
    known = TokenScope.values
    if not asked:
        raise InvalidTokenRequest("scopes", f"Name at least one scope of {', '.join(known)}.")
    if unknown := sorted(asked.difference(known)):
        raise InvalidTokenRequest("scopes", f"Unknown scope {', '.join(unknown)}: choose from {', '.join(known)}.")
    return [scope for scope in known if scope in asked]


def _gateway(slug: str) -> str:
    try:
        if slug:
            validate_slug(slug)
    except ValidationError as error:
        raise InvalidTokenRequest("gateway", f"{slug!r} is not a gateway's short name.") from error
    return _short(slug, field="gateway", longest=50)


def _short(text: str, *, field: str, longest: int) -> str:
    if len(text) > longest:
        raise InvalidTokenRequest(field, f"At most {longest} characters.")
    return text.strip()


def _refuse_unless_within(value: int, *, most: int, field: str, unit: str) -> None:
    if not 1 <= value <= most:
        raise InvalidTokenRequest(field, f"Between 1 and {most:,} {unit}.")
