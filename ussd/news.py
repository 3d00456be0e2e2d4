"""Outcome first: what became of a customer's money since they last heard, told before the first screen.

Each kind of news has a part in the one statement that finds the customer, its words, and a way to be marked heard.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Subquery

from ledger.money import format_amount
from loans.selectors_menu import PayoutStanding, read_loan_news, read_repayment_news, unheard_collection, unheard_loan
from loans.services.news import mark_collection_heard, mark_loan_heard
from loans.statuses import CollectionStatus
from promos.selectors import read_redemption_news, unheard_redemption
from promos.services.news import mark_news_heard
from promos.statuses import RedemptionStatus
from ussd.texts.dates import short_day


@dataclass(frozen=True)
class News:
    """One thing to hear. `status` is what is told: when it has moved on since, the news stays unheard."""

    kind: str
    subject: UUID
    status: str
    at: datetime
    words: str
    facts: Mapping[str, str] = field(default_factory=dict)
    due: date | None = None

    @property
    def told(self) -> str:
        """What a session remembers, for `mark_heard`."""
        return f"{self.kind} {self.subject} {self.status}"

    def facts_in(self, language: str) -> dict[str, str]:
        """What fills the places of its words."""
        return {**self.facts, **({"due": short_day(self.due, language)} if self.due else {})}


@dataclass(frozen=True)
class _Kind:
    find: Callable[[], Subquery]
    read: Callable[[dict[str, str]], News]
    mark: Callable[[UUID, str, datetime], bool]


_PROMO_WORDS = {
    RedemptionStatus.PENDING: "news.pending",
    RedemptionStatus.COMPLETED: "news.paid",
    RedemptionStatus.FAILED: "news.failed",
    RedemptionStatus.CANCELLED: "news.cancelled",
}
_LOAN_WORDS = {
    PayoutStanding.UNDER_WAY: "news.loan_pending",
    PayoutStanding.PAID: "news.loan_paid",
    PayoutStanding.FAILED: "news.loan_failed",
    PayoutStanding.CANCELLED: "news.loan_cancelled",
}
# Every text that tells news.
NEWS_WORDS = (
    *_PROMO_WORDS.values(),
    *_LOAN_WORDS.values(),
    "news.repaid",
    "news.repaid_all",
    "news.repayment_failed",
)


def _promo(found: dict[str, str]) -> News:
    news = read_redemption_news(found)
    facts = {"amount": format_amount(news.amount, news.currency)}
    return News("promo", news.redemption_id, news.status, news.redeemed_at, _PROMO_WORDS[news.status], facts)


def _loan(found: dict[str, str]) -> News:
    news = read_loan_news(found)
    facts = {
        "get": format_amount(news.disbursed_amount, news.currency),
        "repay": format_amount(news.amount, news.currency),
    }
    return News("loan", news.loan_id, news.standing, news.at, _LOAN_WORDS[news.standing], facts, due=news.due_date)


def _repayment(found: dict[str, str]) -> News:
    news = read_repayment_news(found)
    words = "news.repayment_failed"
    if news.status == CollectionStatus.COMPLETED:
        words = "news.repaid" if news.outstanding else "news.repaid_all"
    facts = {
        "amount": format_amount(news.amount, news.currency),
        "balance": format_amount(news.outstanding, news.currency),
    }
    return News("repayment", news.collection_id, news.status, news.at, words, facts)


_KINDS = {
    "promo": _Kind(
        unheard_redemption,
        _promo,
        lambda subject, status, at: mark_news_heard(redemption_id=subject, status=RedemptionStatus(status), at=at),
    ),
    "loan": _Kind(
        unheard_loan,
        _loan,
        lambda subject, status, at: mark_loan_heard(loan_id=subject, standing=PayoutStanding(status), at=at),
    ),
    "repayment": _Kind(
        unheard_collection,
        _repayment,
        lambda subject, status, at: mark_collection_heard(
            collection_id=subject, status=CollectionStatus(status), at=at
        ),
    ),
}


def unheard() -> dict[str, Subquery]:
    """Annotations for a query over customers: what they have not heard, of each kind."""
    return {f"news_{name}": kind.find() for name, kind in _KINDS.items()}


def latest_news(customer: Any) -> News | None:
    """Of a customer found with `unheard`, JSON as text: what happened last. The rest is told at the next dial."""
    found = [
        kind.read(json.loads(value)) for name, kind in _KINDS.items() if (value := getattr(customer, f"news_{name}"))
    ]
    return max(found, key=lambda news: news.at, default=None)


def mark_heard(told: str, *, at: datetime) -> bool:
    """The customer has heard what `News.told` says. One conditional statement."""
    kind, subject, status = told.split()
    return _KINDS[kind].mark(UUID(subject), status, at)
