"""The MTN MoMo provider: transfer, status, balance (mobile money notes A1-A7)."""

from dataclasses import dataclass
from uuid import UUID

import structlog
from django.conf import settings
from django.urls import reverse

from disbursements.configuration import ProviderAccount
from disbursements.providers.base import Answer, FloatBalance, Outcome, Transfer
from disbursements.providers.mtn_momo.calls import Calls, calls_as
from disbursements.providers.mtn_momo.minting import Merchant
from disbursements.providers.mtn_momo.parsing import outcome_of_send, outcome_of_status
from disbursements.providers.mtn_momo.reading import error_of, read_amount, read_document
from disbursements.providers.mtn_momo.tokens import TokenUnavailable
from disbursements.providers.mtn_momo.wire import UnsendableTransfer, transfer_body
from disbursements.statuses import ErrorClass
from outbound.exchange import NoReply, NothingSent, TimeLimit

TRANSFER_PATH = "/v1_0/transfer"
BALANCE_PATH = "/v1_0/account/balance"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MtnMomo:
    """One account: one API user in one target environment. Nothing here raises for what a network or MTN may do."""

    slug: str
    calls: Calls
    wants_callbacks: bool

    @property
    def base_url(self) -> str:
        return self.calls.merchant.base_url

    @property
    def environment(self) -> str:
        return self.calls.merchant.environment

    @property
    def api_user(self) -> str:
        return self.calls.merchant.api_user

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
        return self.calls.outcome("POST", TRANSFER_PATH, read=outcome_of_send, headers=headers, body=body)

    def ask(self, reference: UUID) -> Outcome:
        """What became of this reference: PAID, REFUSED, PENDING, NOT_FOUND, UNKNOWN or NOT_ASKED."""
        return self.calls.outcome("GET", f"{TRANSFER_PATH}/{reference}", read=outcome_of_status)

    def balance(self, currency: str) -> FloatBalance:
        """Our float; None when it could not be learned, or is in another currency than asked."""
        try:
            reply = self.calls.call("GET", BALANCE_PATH)
        except (TokenUnavailable, NothingSent, NoReply) as error:
            logger.warning("momo_balance_unknown", code=error.code)
            return FloatBalance(None, currency)
        document = read_document(reply.body) or {}
        available = read_amount(document.get("availableBalance"))
        if reply.status != 200 or available is None or document.get("currency") != currency:
            logger.warning("momo_balance_unknown", code=error_of(reply)[0], http_status=reply.status)
            return FloatBalance(None, currency)
        return FloatBalance(available, currency)


def build_client(account: ProviderAccount, *, base_url: str = "", environment: str = "") -> MtnMomo:
    """The client of this account; `base_url` and `environment` win when given."""
    merchant = Merchant(
        product="disbursement",
        base_url=base_url or account.momo_base_url,
        environment=environment or account.momo_target_environment,
        api_user=account.momo_api_user,
        api_key=account.momo_api_key,
        subscription_key=account.momo_subscription_key,
        user_agent=account.momo_user_agent,
        limit=TimeLimit(account.momo_connect_timeout_seconds, account.momo_read_timeout_seconds),
    )
    calls = calls_as(merchant, margin_seconds=account.token_renew_margin_seconds)
    return MtnMomo(account.provider, calls, bool(settings.PUBLIC_URL) and account.momo_callbacks_enabled)
