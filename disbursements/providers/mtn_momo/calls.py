"""Calls to one product of MTN with its token: what Disbursements and Collections share (mobile money notes A2, A3)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from disbursements.providers.base import Answer, Outcome
from disbursements.providers.mtn_momo.minting import Merchant, mint_token
from disbursements.providers.mtn_momo.tokens import TokenSource, TokenUnavailable
from disbursements.statuses import ErrorClass
from outbound.exchange import NoReply, NothingSent, Reply, exchange

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Calls:
    """Bounded HTTP exchanges as one merchant. The token is shared with every process that speaks as the same one."""

    merchant: Merchant
    tokens: TokenSource

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """One call below the product's path; after 401 once more with another token and the same everything else.

        Raises TokenUnavailable, NothingSent or NoReply.
        """
        token = self.tokens.current()
        reply = self._exchange(method, path, token, headers or {}, body)
        if reply.status == 401:
            reply = self._exchange(method, path, self.tokens.replace(token), headers or {}, body)
        return reply

    def outcome(
        self,
        method: str,
        path: str,
        *,
        read: Callable[[Reply], Outcome],
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Outcome:
        """What `read` makes of the answer, or what it means that there is none. Never raises for what a network may
        do.
        """
        try:
            return read(self.call(method, path, headers=headers, body=body))
        except TokenUnavailable as error:
            return Outcome(Answer.NOT_ASKED, error.error_class, error.code, error.message, error.http_status)
        except NothingSent as error:
            return Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY, error.code)
        except NoReply as error:
            return Outcome(Answer.UNKNOWN, ErrorClass.TEMPORARY, error.code)

    def _exchange(self, method: str, path: str, token: str, headers: dict[str, str], body: bytes | None) -> Reply:
        started = time.monotonic()
        status: int | str = "none"
        try:
            reply = exchange(
                method=method,
                url=self.merchant.url(path),
                headers=self.merchant.headers() | headers | {"Authorization": f"Bearer {token}"},
                body=body,
                limit=self.merchant.limit,
            )
            status = reply.status
            return reply
        finally:
            logger.info(
                "momo_call",
                method=method,
                product=self.merchant.product,
                environment=self.merchant.environment,
                path=path,
                reference=headers.get("X-Reference-Id"),
                http_status=status,
                milliseconds=int((time.monotonic() - started) * 1000),
            )


def calls_as(merchant: Merchant, *, margin_seconds: float) -> Calls:
    """The calls of this merchant, its token renewed so many seconds before it expires."""
    tokens = TokenSource(
        name=merchant.fingerprint,
        mint=partial(mint_token, merchant),
        mint_seconds=merchant.limit.total,
        margin_seconds=margin_seconds,
    )
    return Calls(merchant, tokens)
