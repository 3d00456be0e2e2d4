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
    """What became of a question to the provider."""

    ACCEPTED = "accepted"  # taken for processing, or taken before (202, 409): ask later
    TURNED_AWAY = "turned_away"  # not taken (400, 403, configuration): the reference is unused
    UNKNOWN = "unknown"  # time-out, lost connection, ambiguous 5xx: ask by the same reference
    PAID = "paid"  # status only
    REFUSED = "refused"  # status only: definitely failed
    PENDING = "pending"  # status only: not final
    NOT_FOUND = "not_found"  # status only: never taken, or taken a moment ago. No proof of non-payment
    NOT_ASKED = (
        "not_asked"  # the question itself failed (no token, rate limit): nothing learned, nothing sent
    )


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
    callback_url: str = ""


@dataclass(frozen=True)
class Outcome:
    """A provider's answer in our words. `code` is the provider's own word, kept as it came."""

    answer: Answer
    error_class: ErrorClass | None = None
    code: str = ""
    message: str = ""
    http_status: int | None = None
    transaction_id: str = ""
    # What the provider says it moved, as it said it; settlement compares them with what was asked.
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

    slug: str
    environment: str
    base_url: str

    def send(self, transfer: Transfer) -> Outcome:
        """Hand the transfer over. Never raises for what a network or a provider may do."""

    def ask(self, reference: UUID) -> Outcome:
        """What became of this reference."""

    def balance(self, currency: str) -> FloatBalance:
        """Our float in this currency."""
