"""A partner's token is replaced by another without a moment in which neither works."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts import token_text
from accounts.models import ApiToken, User
from accounts.services import token_requests
from accounts.services.authority import require_super_administrator
from accounts.services.token_requests import InvalidTokenRequest, TokenMoveRefused
from accounts.services.tokens import known_by, one_active_per_partner, put_away_spent, store_new
from audit import services as audit

# How long both tokens work when nobody says otherwise, and at most.
DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=90)


def rotate_token(
    *,
    token_id: int,
    until: datetime,
    rotated_by: User | None,
    at: datetime,
    days: int | None = None,
    reason: str = "",
) -> tuple[ApiToken, str]:
    """Make the token's successor; return its row and the token itself, which nobody can read again.

    It has the same partner, name, scopes, gateway, limit and allowed addresses, and lives as many days as the old one
    was made for, or `days`. The old one works until `until` (at most 90 days from `at`; `at` itself: no longer), or
    until it expires if that is sooner; from then on it opens nothing, by the clock alone. `rotated_by` must be a Super
    Administrator; None when a command of the operator asks.
    Raises NotAllowed, InvalidTokenRequest, TokenMoveRefused for a token that opens nothing or was replaced before,
    PartnerHasActiveToken while the token before this one still works, ApiToken.DoesNotExist.
    """
    require_super_administrator(rotated_by, to="rotate API tokens")
    if not at <= until <= at + LONGEST_OVERLAP:
        raise InvalidTokenRequest("until", f"From now on, and at most {LONGEST_OVERLAP.days} days.")
    plain = token_text.new_token()
    recognised_by = known_by(plain)
    with transaction.atomic():
        old = _lock_replaceable(token_id, at=at)
        life = timedelta(days=token_requests.check_days(_days_of(old) if days is None else days))
        successor = ApiToken(
            partner_email=old.partner_email,
            name=old.name,
            scopes=old.scopes,
            gateway=old.gateway,
            rate_limit=old.rate_limit,
            allowed_ips=old.allowed_ips,
            expires_at=at + life,
            created_by=rotated_by,
            replaces=old,
            **recognised_by,
        )
        _retire(old, until=min(until, old.expires_at), successor=successor.prefix, reason=reason, at=at)
        store_new(successor, at=at)
    return successor, plain


def _lock_replaceable(token_id: int, *, at: datetime) -> ApiToken:
    """The token, with all active ones of its partner locked in the order that every other service takes them."""
    asked = ApiToken.objects.get(pk=token_id)
    open_ones = put_away_spent(asked.partner_email, at=at)
    token = next((one for one in open_ones if one.pk == token_id), None)
    if token is None:
        raise TokenMoveRefused("Only a token that opens doors can be rotated: make a new one.")
    if token.retires_at is not None:
        raise TokenMoveRefused(
            f"The token has been replaced already; it works until {token.retires_at:%Y-%m-%d %H:%M} UTC."
        )
    return token


def _retire(token: ApiToken, *, until: datetime, successor: str, reason: str, at: datetime) -> None:
    token.retires_at = until
    with one_active_per_partner(token.partner_email):
        token.save(update_fields=["retires_at"])
    after = {"retires_at": until, "replaced_by": successor, "prefix": token.prefix}
    audit.record("token.rotated", target=token, before={"retires_at": None}, after=after, reason=reason, at=at)


def _days_of(token: ApiToken) -> int:
    """Whole days it was made for."""
    return max(1, round((token.expires_at - token.created_at) / timedelta(days=1)))
