"""Asking a customer of MTN MoMo to pay: request, status, what was collected (mobile money notes A2-A7)."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.urls import reverse

from disbursements.providers.base import Answer, FloatBalance, Outcome
from disbursements.providers.mtn_momo.calls import Calls, calls_as
from disbursements.providers.mtn_momo.minting import Merchant
from disbursements.providers.mtn_momo.parsing import outcome_of_send, outcome_of_status
from disbursements.providers.mtn_momo.reading import error_of, read_amount, read_document
from disbursements.providers.mtn_momo.tokens import TokenUnavailable
from disbursements.providers.mtn_momo.wire import UnsendableTransfer, amount_text, party_id, plain_note
from disbursements.statuses import ErrorClass
from loans.collecting.meanings import COLLECTION_WORDS
from loans.collection_settings import CollectionSettings
from outbound.exchange import NoReply, NothingSent, TimeLimit

REQUEST_PATH = "/v1_0/requesttopay"
BALANCE_PATH = "/v1_0/account/balance"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Demand:
    """What a customer is asked to pay. `payer` is E.164. The messages are read by the customer and by us."""

    reference: UUID
    payer: str
    amount: Decimal
    currency: str
    payer_message: str
    payee_note: str


@dataclass(frozen=True)
class Collections:
    """One API user of Collections in one target environment. Nothing here raises for what a network or MTN may do."""

    calls: Calls
    wants_callbacks: bool

    @property
    def place(self) -> tuple[str, str, str]:
        """Where we ask, and as whom: nowhere else, and as nobody else, can be asked what became of it."""
        merchant = self.calls.merchant
        return merchant.base_url, merchant.environment, merchant.api_user

    def ask_to_pay(self, demand: Demand) -> Outcome:
        """Have the customer asked: ACCEPTED, TURNED_AWAY, BLOCKED, UNKNOWN or NOT_ASKED."""
        try:
            body = demand_body(demand)
        except UnsendableTransfer as error:
            return Outcome(Answer.TURNED_AWAY, ErrorClass.PERMANENT, error.code, str(error))
        headers = {"X-Reference-Id": str(demand.reference), "Content-Type": "application/json"}
        if self.wants_callbacks:
            # The path carries our reference, since the body of a callback does not.
            path = reverse("momo_collection_callback", kwargs={"reference": demand.reference})
            headers["X-Callback-Url"] = settings.PUBLIC_URL + path
        read = partial(outcome_of_send, words=COLLECTION_WORDS)
        return self.calls.outcome("POST", REQUEST_PATH, read=read, headers=headers, body=body)

    def look_up(self, reference: UUID) -> Outcome:
        """What became of this reference: PAID, REFUSED, PENDING, NOT_FOUND, UNKNOWN or NOT_ASKED. `payee` of the
        outcome is the other party, here the payer.
        """
        read = partial(outcome_of_status, words=COLLECTION_WORDS)
        return self.calls.outcome("GET", f"{REQUEST_PATH}/{reference}", read=read)

    def balance(self, currency: str) -> FloatBalance:
        """What was collected and not taken out; None when it could not be learned, or is in another currency."""
        try:
            reply = self.calls.call("GET", BALANCE_PATH)
        except (TokenUnavailable, NothingSent, NoReply) as error:
            logger.warning("collections_balance_unknown", code=error.code)
            return FloatBalance(None, currency)
        document = read_document(reply.body) or {}
        available = read_amount(document.get("availableBalance"))
        if reply.status != 200 or available is None or document.get("currency") != currency:
            logger.warning("collections_balance_unknown", code=error_of(reply)[0], http_status=reply.status)
            return FloatBalance(None, currency)
        return FloatBalance(available, currency)


def demand_body(demand: Demand) -> bytes:
    """The JSON body. Raises UnsendableTransfer."""
    body = {
        "amount": amount_text(demand.amount, demand.currency),
        "currency": demand.currency,
        # Comes back in callbacks, whose bodies do not carry the reference.
        "externalId": str(demand.reference),
        "payer": {"partyIdType": "MSISDN", "partyId": party_id(demand.payer)},
        "payerMessage": plain_note(demand.payer_message),
        "payeeNote": plain_note(demand.payee_note),
    }
    return json.dumps(body).encode()


def build_client(chosen: CollectionSettings, *, base_url: str = "", environment: str = "") -> Collections:
    """The client of these settings; `base_url` and `environment` win when given."""
    merchant = Merchant(
        product="collection",
        base_url=base_url or chosen.base_url,
        environment=environment or chosen.target_environment,
        api_user=chosen.api_user,
        api_key=chosen.api_key,
        subscription_key=chosen.subscription_key,
        user_agent=chosen.user_agent,
        limit=TimeLimit(chosen.connect_timeout_seconds, chosen.read_timeout_seconds),
    )
    calls = calls_as(merchant, margin_seconds=chosen.token_renew_margin_seconds)
    return Collections(calls, bool(settings.PUBLIC_URL) and chosen.callbacks_enabled)
