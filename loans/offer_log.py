"""The log of offers, on its way: a bounded list in Redis that a task stores in bulk."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from loans.eligibility import OfferTerms

# While no worker runs, the oldest beyond these are given up: about 150 MB.
MOST_WAITING = 100_000


@dataclass(frozen=True, kw_only=True)
class OfferRecord:
    """One offer, or why there was none, as it will be stored. `uid` makes it one row, however often it is stored."""

    uid: UUID
    at: datetime
    customer_id: UUID
    phone: str
    network: str
    partner: str
    session_id: str
    score: int
    eligible_amount: Decimal
    currency: str
    terms: tuple[OfferTerms, ...]
    refusal: str
    explanation: dict[str, Any]

    def as_row(self) -> dict[str, Any]:
        """The row's columns, in plain data that goes into JSON."""
        return {
            "uid": str(self.uid),
            "at": self.at.isoformat(),
            "customer_id": str(self.customer_id),
            "phone": self.phone,
            "network": self.network,
            "partner": self.partner,
            "session_id": self.session_id,
            "score": self.score,
            "eligible_amount": str(self.eligible_amount),
            "currency": self.currency,
            "offers": [terms_as_json(terms) for terms in self.terms],
            "refusal": self.refusal,
            "explanation": self.explanation,
        }


def terms_as_json(terms: OfferTerms) -> dict[str, Any]:
    """As shown to the customer. Amounts as text: a JSON number would come back as a float."""
    return {
        "option": terms.option,
        "amount": str(terms.amount),
        "interest": str(terms.interest),
        "disbursed_amount": str(terms.disbursed_amount),
        "rate": str(terms.rate),
        "days": terms.days,
        "due_date": terms.due_date.isoformat(),
    }


def offers_key() -> str:
    """The list of offers waiting to be stored."""
    return f"{settings.REDIS_KEY_PREFIX}:loan:log:offers"


def put_record(pipe: Any, record: OfferRecord) -> None:
    """Add the offer to a pipeline."""
    pipe.rpush(offers_key(), json.dumps(record.as_row(), separators=(",", ":")))
    pipe.ltrim(offers_key(), -MOST_WAITING, -1)
