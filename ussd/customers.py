"""Who dials: known or registered now, and what they should hear first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.networks import network_of
from accounts.services.customers import register_customer
from ledger.money import format_amount
from promos.models import Redemption
from promos.selectors import RedemptionNews, customer_with_news

# The text that tells where a payout stands.
NEWS_WORDS = {
    "pending": "news.pending",
    "completed": "news.paid",
    "failed": "news.failed",
    "cancelled": "news.cancelled",
}


@dataclass(frozen=True)
class Caller:
    """The customer, and the redemption whose outcome they have not heard."""

    customer: User
    news: RedemptionNews | None = None

    @property
    def news_key(self) -> str:
        """The text of the news; empty without any."""
        return NEWS_WORDS[self.news.status] if self.news else ""

    @property
    def news_facts(self) -> dict[str, str]:
        """What fills its places."""
        return {"amount": format_amount(self.news.amount, self.news.currency)} if self.news else {}


def meet_caller(*, phone: str, network_code: str, at: datetime) -> Caller:
    """The customer with this number, registered if new. One SQL statement for a known one on the same network."""
    network = network_of(phone, network_code)
    known = customer_with_news(phone)
    if known.customer is None or (network and known.customer.network != network):
        return Caller(register_customer(phone=phone, network=network, at=at), known.news)
    return Caller(known.customer, known.news)


def latest_redemption(customer_id: UUID) -> Redemption | None:
    """The customer's newest redemption, whatever became of it."""
    return Redemption.objects.filter(customer_id=customer_id).order_by("-created_at", "-pk").first()
