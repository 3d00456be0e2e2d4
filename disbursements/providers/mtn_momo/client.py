"""The MTN MoMo provider: transfer, status, balance (mobile money notes A1-A7)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.urls import reverse

from disbursements.configuration import PaymentSettings
from disbursements.providers.base import Answer, FloatBalance, Outcome, Transfer
from disbursements.providers.mtn_momo.minting import Merchant, mint_token
from disbursements.providers.mtn_momo.parsing import (
    error_of,
    outcome_of_send,
    outcome_of_status,
    read_amount,
    read_document,
)
from disbursements.providers.mtn_momo.tokens import TokenSource, TokenUnavailable
from disbursements.providers.mtn_momo.wire import UnsendableTransfer, transfer_body
from disbursements.statuses import ErrorClass, ProviderSlug
from outbound.exchange import NoReply, NothingSent, Reply, TimeLimit, exchange

SLUG = ProviderSlug.MTN_MOMO
TRANSFER_PATH = "/disbursement/v1_0/transfer"
BALANCE_PATH = "/disbursement/v1_0/account/balance"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MtnMomo:
    """One API user in one target environment. Nothing here raises for what a network or MTN may do."""

    merchant: Merchant
    tokens: TokenSource
    wants_callbacks: bool
    slug: str = SLUG

    @property
    def base_url(self) -> str:
        return self.merchant.base_url

    @property
    def environment(self) -> str:
        return self.merchant.environment

    @property
    def api_user(self) -> str:
        return self.merchant.api_user

    def send(self, transfer: Transfer) -> Outcome:
        """Hand the transfer over: ACCEPTED, TURNED_AWAY, BLOCKED, UNKNOWN or NOT_ASKED."""
        try:
            body = transfer_body(transfer)
        except UnsendableTransfer as error:
            return Outcome(Answer.TURNED_AWAY, ErrorClass.PERMANENT, error.code, str(error))
        headers = {"X-Reference-Id": str(transfer.reference), "Content-Type": "application/json"}
        if self.wants_callbacks:
            # The path carries our reference, since the body of a callback does not.
            path = reverse("momo_callback", kwargs={"reference": transfer.reference})
            headers["X-Callback-Url"] = settings.PUBLIC_URL + path
        return _outcome(partial(self._call, "POST", TRANSFER_PATH, headers=headers, body=body), outcome_of_send)

    def ask(self, reference: UUID) -> Outcome:
        """What became of this reference: PAID, REFUSED, PENDING, NOT_FOUND, UNKNOWN or NOT_ASKED."""
        return _outcome(partial(self._call, "GET", f"{TRANSFER_PATH}/{reference}"), outcome_of_status)

    def balance(self, currency: str) -> FloatBalance:
        """Our float; None when it could not be learned, or is in another currency than asked."""
        try:
            reply = self._call("GET", BALANCE_PATH)
        except (TokenUnavailable, NothingSent, NoReply) as error:
            logger.warning("momo_balance_unknown", code=error.code)
            return FloatBalance(None, currency)
        document = read_document(reply.body) or {}
        available = read_amount(document.get("availableBalance"))
        if reply.status != 200 or available is None or document.get("currency") != currency:
            logger.warning("momo_balance_unknown", code=error_of(reply)[0], http_status=reply.status)
            return FloatBalance(None, currency)
        return FloatBalance(available, currency)

    def _call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """One call with a token; after 401 once more with another token and the same everything else.

        Raises TokenUnavailable, NothingSent or NoReply.
        """
        token = self.tokens.current()
        reply = self._exchange(method, path, token, headers or {}, body)
        if reply.status == 401:
            reply = self._exchange(method, path, self.tokens.replace(token), headers or {}, body)
        return reply

    def _exchange(self, method: str, path: str, token: str, headers: dict[str, str], body: bytes | None) -> Reply:
        started = time.monotonic()
        status: int | str = "none"
        try:
            reply = exchange(
                method=method,
                url=self.base_url + path,
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
                path=path,
                reference=headers.get("X-Reference-Id"),
                http_status=status,
                milliseconds=int((time.monotonic() - started) * 1000),
            )


def _outcome(call: Callable[[], Reply], read: Callable[[Reply], Outcome]) -> Outcome:
    try:
        return read(call())
    except TokenUnavailable as error:
        return Outcome(Answer.NOT_ASKED, error.error_class, error.code, error.message, error.http_status)
    except NothingSent as error:
        return Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY, error.code)
    except NoReply as error:
        return Outcome(Answer.UNKNOWN, ErrorClass.TEMPORARY, error.code)


def build_client(payments: PaymentSettings, *, base_url: str = "", environment: str = "") -> MtnMomo:
    """The client as configured; `base_url` and `environment` win when given."""
    merchant = Merchant(
        base_url=base_url or payments.momo_base_url,
        environment=environment or payments.momo_target_environment,
        api_user=payments.momo_api_user,
        api_key=payments.momo_api_key,
        subscription_key=payments.momo_subscription_key,
        user_agent=payments.momo_user_agent,
        limit=TimeLimit(payments.momo_connect_timeout_seconds, payments.momo_read_timeout_seconds),
    )
    tokens = TokenSource(
        name=merchant.fingerprint,
        mint=partial(mint_token, merchant),
        mint_seconds=merchant.limit.total,
        margin_seconds=payments.token_renew_margin_seconds,
    )
    return MtnMomo(merchant, tokens, bool(settings.PUBLIC_URL) and payments.momo_callbacks_enabled)
