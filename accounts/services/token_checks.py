"""Is this a token that opens doors now? Asked at each request of a partner."""

from datetime import datetime
from threading import Lock

import structlog
from django.db import InterfaceError, OperationalError

from accounts import address_lists, token_text
from accounts.models import ApiToken
from accounts.remembered_tokens import remembered_tokens
from accounts.statuses import TokenStatus

# As text: every request of a partner comes here, and composing it costs Django more than PostgreSQL needs to answer.
_BY_PREFIX = "SELECT * FROM accounts_api_token WHERE prefix = %s"

logger = structlog.get_logger(__name__)

# bcrypt one at a time: a burst of one partner's requests on a fresh process pays for one, not for each.
_one_at_a_time = Lock()


class TokenInvalid(Exception):
    """No such token, or one that no longer opens doors. The words may be shown to its bearer."""

    code = "UNAUTHORIZED"


class TokenCheckUnavailable(Exception):
    """PostgreSQL is away and this process does not know the token."""

    code = "SERVICE_UNAVAILABLE"


def check_token(plain: str, *, at: datetime, address: str | None = None) -> ApiToken:
    """The row of this token, read with one indexed SELECT; raises TokenInvalid.

    `address` is where the request comes from; a token with a list of addresses opens nothing from elsewhere, nor from
    an address that nobody can tell. Revoking, deactivating, expiry, the time to retire and the list count from the
    next request, because the row is read each time; only the bcrypt comparison is remembered, for a minute. A wrong
    token costs no bcrypt, and takes the same time whether or not its prefix exists. When PostgreSQL is away, a token
    this process verified lately goes by its row as last read; others raise TokenCheckUnavailable.
    """
    if not token_text.has_token_shape(plain):
        raise TokenInvalid("The API token is not valid.")
    digest = token_text.digest_of(plain)
    try:
        rows = list(ApiToken.objects.raw(_BY_PREFIX, [token_text.prefix_of(plain)]))
    except (OperationalError, InterfaceError) as error:
        token = remembered_tokens.stand_in(digest)
        if token is None:
            raise TokenCheckUnavailable("Service temporarily unavailable.") from error
        logger.warning("token_checked_without_database", token=token.prefix)
    else:
        token = next((row for row in rows if _belongs(plain, digest, row)), None)
    if token is None:
        raise TokenInvalid("The API token is not valid.")
    if token.status != TokenStatus.ACTIVE:
        raise TokenInvalid(f"This API token is {token.status}.")
    if token.expires_at <= at:
        raise TokenInvalid(f"This API token expired on {token.expires_at:%Y-%m-%d}.")
    if token.opens_until <= at:
        raise TokenInvalid(f"This API token was replaced by another on {token.opens_until:%Y-%m-%d}.")
    if not address_lists.allows(token.allowed_ips, address):
        # Said to whoever holds the token, who must know what to mend; the list itself is said to nobody.
        logger.warning("token_from_elsewhere", token=token.prefix, partner=token.partner_email, address=address)
        raise TokenInvalid("This API token may not be used from this address.")
    return token


def _belongs(plain: str, digest: str, token: ApiToken) -> bool:
    if remembered_tokens.trusts(digest, token):
        return True
    if not token_text.has_checksum(plain, token.checksum):
        return False
    with _one_at_a_time:
        if remembered_tokens.trusts(digest, token):
            return True
        if not token_text.has_hash(digest, token.token_hash):
            return False
        remembered_tokens.remember(digest, token)
        return True
