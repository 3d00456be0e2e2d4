"""Partners' tokens: made, changed, switched off and on, revoked (contract section 3, spec 1 decision 7)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import token_text
from accounts.locks import lock_active_tokens, lock_token
from accounts.models import ApiToken, User
from accounts.services import token_requests
from accounts.services.authority import require_super_administrator
from accounts.services.token_requests import (
    DEFAULT_DAYS,
    DEFAULT_RATE_LIMIT,
    InvalidTokenRequest,
    PartnerHasActiveToken,
    TokenMoveRefused,
)
from accounts.statuses import TokenStatus
from audit import services as audit

_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": token_requests.check_name,
    "rate_limit": token_requests.check_rate_limit,
    "allowed_ips": token_requests.check_allowed_ips,
}


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
    allowed_ips: Iterable[str] = (),
    plain: str = "",
) -> tuple[ApiToken, str]:
    """Make a token; return its row and the token itself, which nobody can read again.

    `created_by` is the person asking, who must be a Super Administrator; None when a command of the operator asks.
    It opens doors for `days` days, `rate_limit` times a minute, from `allowed_ips` (addresses and networks; none:
    from anywhere). An earlier token of the partner that has expired becomes inactive. `plain` is for the sandbox's
    demo only, which derives its token instead of drawing one.
    Raises NotAllowed, InvalidTokenRequest, PartnerHasActiveToken.
    """
    require_super_administrator(created_by, to="make API tokens")
    partner = token_requests.check_partner(partner_email)
    if plain and not (settings.SANDBOX and token_text.has_token_shape(plain)):
        raise InvalidTokenRequest("plain", "Only the sandbox names a token, and in the shape of one.")
    plain = plain or token_text.new_token()
    token = ApiToken(
        partner_email=partner,
        name=token_requests.check_name(name),
        scopes=token_requests.check_scopes(scopes),
        gateway=token_requests.check_gateway(gateway),
        rate_limit=token_requests.check_rate_limit(rate_limit),
        allowed_ips=token_requests.check_allowed_ips(allowed_ips),
        expires_at=at + timedelta(days=token_requests.check_days(days)),
        created_by=created_by,
        **known_by(plain),
    )
    with transaction.atomic():
        put_away_spent(partner, at=at)
        store_new(token, at=at)
    return token, plain


def put_away_spent(partner: str, *, at: datetime) -> list[ApiToken]:
    """The partner's tokens that are active, locked; those that have expired or retired become inactive first."""
    tokens = lock_active_tokens(partner)
    for token in tokens:
        if token.opens_until <= at:
            reason = "It had expired." if token.expires_at <= at else "It had been replaced."
            _move(token, to=TokenStatus.INACTIVE, action="token.deactivated", reason=reason, at=at)
    return [token for token in tokens if token.status == TokenStatus.ACTIVE]


def known_by(plain: str) -> dict[str, str]:
    """The fields a token is found and recognised by. Costs a bcrypt: never inside a transaction."""
    return {
        "prefix": token_text.prefix_of(plain),
        "checksum": token_text.checksum_of(plain),
        "token_hash": token_text.hash_digest(token_text.digest_of(plain)),
    }


def store_new(token: ApiToken, *, at: datetime) -> None:
    """The new row and its audit event. Raises PartnerHasActiveToken."""
    with one_active_per_partner(token.partner_email):
        token.save(force_insert=True)
    audit.record("token.created", target=token, after=_describe(token), at=at)


@contextmanager
def one_active_per_partner(partner: str) -> Iterator[None]:
    """The constraints are the judges, so that two who ask at once do not both get one."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "token_one_active_per_partner" in str(error):
            words = f"{partner} has an active token already: revoke that one first, or rotate it."
        elif "token_one_retiring_per_partner" in str(error):
            words = f"An earlier token of {partner} has been replaced and still works: revoke that one first."
        else:
            raise
        raise PartnerHasActiveToken(words) from error


def change_token(
    *, token_id: int, changes: Mapping[str, Any], changed_by: User | None, reason: str = "", at: datetime
) -> ApiToken:
    """Change name, rate_limit or allowed_ips, from the next request on. The same values change nothing.

    `changed_by` as in `create_token`. Raises NotAllowed, InvalidTokenRequest, TokenMoveRefused for a revoked token,
    ApiToken.DoesNotExist.
    """
    require_super_administrator(changed_by, to="change API tokens")
    if unknown := sorted(set(changes).difference(_CHECKS)):
        raise InvalidTokenRequest(unknown[0], f"{unknown[0]} cannot be changed.")
    values = {field: _CHECKS[field](value) for field, value in changes.items()}
    with transaction.atomic():
        token = lock_token(token_id)
        if token.status == TokenStatus.REVOKED:
            raise TokenMoveRefused("A token that is revoked cannot be changed.")
        after = {field: value for field, value in values.items() if getattr(token, field) != value}
        if not after:
            return token
        before = {field: getattr(token, field) for field in after}
        for field, value in after.items():
            setattr(token, field, value)
        token.save(update_fields=list(after))
        audit.record("token.changed", target=token, before=before, after=after, reason=reason, at=at)
    return token


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
    """The token opens doors again until it expires, or until its time to retire.

    Raises TokenMoveRefused for a revoked, expired or retired token, PartnerHasActiveToken when the partner has
    another by now, ApiToken.DoesNotExist.
    """
    with transaction.atomic():
        token = lock_token(token_id)
        if token.status == TokenStatus.ACTIVE:
            return token
        if token.opens_until <= at:
            word = "expired" if token.expires_at <= at else "was replaced and retired"
            raise TokenMoveRefused(f"The token {word} on {token.opens_until:%Y-%m-%d}: make a new one.")
        put_away_spent(token.partner_email, at=at)
        with one_active_per_partner(token.partner_email):
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
    names = (
        "partner_email", "name", "prefix", "scopes", "gateway", "rate_limit", "allowed_ips", "expires_at", "status",
        "replaces_id",
    )  # fmt: skip
    return {name: getattr(token, name) for name in names}
