"""Asking MTN for an access token (mobile money notes A1-A3)."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.crypto import salted_hmac
from pydantic import SecretStr

from disbursements.providers.mtn_momo.reading import error_of, read_document
from disbursements.providers.mtn_momo.tokens import TokenUnavailable
from disbursements.statuses import ErrorClass
from outbound.exchange import ExchangeFailed, Reply, TimeLimit, exchange

# As it stands in every path. A token opens the product it was minted for, and no other.
Product = Literal["disbursement", "collection"]
MAX_TOKEN_LENGTH = 8_192
# Seconds, when MTN does not say: short, so that nothing is lost by renewing.
SECONDS_WHEN_UNSAID = 300.0
MAX_SECONDS = 86_400.0


@dataclass(frozen=True)
class Merchant:
    """Who we are to MTN, and where: one API user of one product in one target environment.

    `subscription_key` is that product's own.
    """

    product: Product
    base_url: str
    environment: str
    api_user: str
    api_key: SecretStr
    subscription_key: SecretStr
    user_agent: str
    limit: TimeLimit

    @property
    def fingerprint(self) -> str:
        """Names the token of these very credentials; changed credentials have another. Tells nothing about them."""
        parts = (
            self.product,
            self.base_url,
            self.environment,
            self.api_user,
            self.api_key.get_secret_value(),
            self.subscription_key.get_secret_value(),
        )
        return salted_hmac("momo-token", json.dumps(parts), algorithm="sha256").hexdigest()[:32]

    def url(self, path: str) -> str:
        """Address of a path below the product, such as `/v1_0/transfer`."""
        return f"{self.base_url}/{self.product}{path}"

    def headers(self) -> dict[str, str]:
        """What every call carries, the token call included: the new platform wants the environment there too."""
        return {
            "Ocp-Apim-Subscription-Key": self.subscription_key.get_secret_value(),
            "X-Target-Environment": self.environment,
            "User-Agent": self.user_agent,
        }


def mint_token(merchant: Merchant) -> tuple[str, float]:
    """A new token and its seconds to live. Raises TokenUnavailable."""
    if not (merchant.api_user and merchant.api_key and merchant.subscription_key):
        raise TokenUnavailable(
            error_class=ErrorClass.CONFIGURATION,
            code="CREDENTIALS_MISSING",
            message="API user, API key or subscription key is not set",
        )
    pair = f"{merchant.api_user}:{merchant.api_key.get_secret_value()}"
    headers = merchant.headers() | {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    try:
        # An empty body with Content-Length: 0; a form body meets MTN's web firewall.
        # The slash at the end belongs to the path.
        reply = exchange(method="POST", url=merchant.url("/token/"), headers=headers, limit=merchant.limit)
    except ExchangeFailed as error:
        raise TokenUnavailable(error_class=ErrorClass.TEMPORARY, code=error.code) from None
    return _read_token(reply)


def _read_token(reply: Reply) -> tuple[str, float]:
    document = read_document(reply.body) or {}
    token = document.get("access_token")
    if reply.status == 200 and isinstance(token, str) and _fits_header(token):
        return token, _seconds(document.get("expires_in"))
    code, message = error_of(reply)
    is_passing = reply.status == 429 or reply.status >= 500 or reply.body is None
    raise TokenUnavailable(
        error_class=ErrorClass.TEMPORARY if is_passing else ErrorClass.CONFIGURATION,
        code="TOKEN_UNREADABLE" if reply.status == 200 else code,
        message=message,
        http_status=reply.status,
    )


def _fits_header(token: str) -> bool:
    return 0 < len(token) <= MAX_TOKEN_LENGTH and token.isascii() and token.isprintable() and " " not in token


def _seconds(said: Any) -> float:
    """Seconds to live, said as a number or as text."""
    try:
        seconds = float(said)
    except (TypeError, ValueError, OverflowError):
        return SECONDS_WHEN_UNSAID
    return min(seconds, MAX_SECONDS) if seconds > 0 else SECONDS_WHEN_UNSAID
