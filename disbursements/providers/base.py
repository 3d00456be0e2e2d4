"""The protocol every provider keeps, and the outcomes it may report (architecture section 2).

A provider speaks HTTP and nothing else: no database, no transaction may be open around it.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from disbursements.statuses import ErrorClass


class Answer(StrEnum):
    """What became of a question to the provider. Only PAID and REFUSED are final, and only `ask` gives them."""

    # send: taken for processing, or taken before (202, 409). Ask later.
    ACCEPTED = "accepted"
    # send: answered with a refusal of this transfer at the door (400, or a reason in words): no transfer was made.
    # Before the same reference is sent again, ask: only NOT_FOUND shows that it is unused.
    TURNED_AWAY = "turned_away"
    # send: answered by something that says nothing about this transfer (a firewall's 403, 404 of a wrong address). No
    # transfer was made, and any other would have fared the same: wait, a person must look. Ask before sending again.
    BLOCKED = "blocked"
    # send, ask: sent, but no clear answer (time-out, lost connection, ambiguous 5xx). Ask by the same reference.
    UNKNOWN = "unknown"
    # send, ask: the question never reached the provider or was put off (no connection, no token, rate limit):
    # nothing was sent and nothing learned. Try the same again later; `error_class` says whether a person must look.
    NOT_ASKED = "not_asked"
    # ask: paid.
    PAID = "paid"
    # ask: definitely failed.
    REFUSED = "refused"
    # ask: known there and not final.
    PENDING = "pending"
    # ask: never taken, or taken a moment ago, or taken at another host or environment. No proof of non-payment.
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Transfer:
    """What a provider is asked to move. `payee` is E.164; the provider converts."""

    reference: UUID
    external_id: str
    payee: str
    amount: Decimal
    currency: str
    payer_message: str
    payee_note: str


@dataclass(frozen=True)
class Outcome:
    """A provider's answer in our words. `code` is the provider's own word, kept as it came, else one of ours.

    Texts fit their columns and hold no control characters; `raw` is safe to store as JSON.
    """

    answer: Answer
    error_class: ErrorClass | None = None
    code: str = ""
    message: str = ""
    http_status: int | None = None
    transaction_id: str = ""
    # What the provider says it moves, in our forms (payee as E.164), for settlement to compare with what was
    # asked; empty when it did not say or could not be read.
    amount: Decimal | None = None
    currency: str = ""
    payee: str = ""
    raw: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class FloatBalance:
    """What the provider says we have. `available` is None when it could not be learned."""

    available: Decimal | None
    currency: str


class Provider(Protocol):
    """One provider in one environment."""

    @property
    def slug(self) -> str: ...

    @property
    def environment(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    @property
    def api_user(self) -> str:
        """As whom we speak there. What one user sent, another may not see."""

    def send(self, transfer: Transfer) -> Outcome:
        """Hand the transfer over. Never raises for what a network or a provider may do."""

    def ask(self, reference: UUID) -> Outcome:
        """What became of this reference."""

    def balance(self, currency: str) -> FloatBalance:
        """Our float in this currency."""
