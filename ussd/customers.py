"""Who dials: known or registered now, and what they should hear first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from accounts.networks import network_of
from accounts.services.customers import register_customer
from promos.models import Redemption
from ussd.news import News, latest_news, unheard


@dataclass(frozen=True)
class Caller:
    """The customer, and what became of their money that they have not heard."""

    customer: User
    news: News | None = None


def meet_caller(*, phone: str, network_code: str, at: datetime) -> Caller:
    """The customer with this number, registered if new. One SQL statement for a known one on the same network."""
    network = network_of(phone, network_code)
    known = User.objects.filter(phone=phone).annotate(**unheard()).first()
    news = latest_news(known) if known else None
    if known is None or (network and known.network != network):
        return Caller(register_customer(phone=phone, network=network, at=at), news)
    return Caller(known, news)


def latest_redemption(customer_id: UUID) -> Redemption | None:
    """The customer's newest redemption, whatever became of it."""
    return Redemption.objects.filter(customer_id=customer_id).order_by("-created_at", "-pk").first()
