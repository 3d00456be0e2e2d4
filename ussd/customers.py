"""Who dials: known or registered now, and what they should hear first."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.networks import network_of
from accounts.services.customers import register_customer
from promos.models import Redemption
from ussd.news import News, latest_news, unheard

# Stands where the phone belongs.
_PHONE = "the phone"


@dataclass(frozen=True)
class Caller:
    """The customer, and what became of their money that they have not heard."""

    customer: User
    news: News | None = None


def meet_caller(*, phone: str, network_code: str, at: datetime) -> Caller:
    """The customer with this number, registered if new. One SQL statement for a known one on the same network."""
    network = network_of(phone, network_code)
    known = _find_known(phone)
    news = latest_news(known) if known else None
    if known is None or (network and known.network != network):
        return Caller(register_customer(phone=phone, network=network, at=at), news)
    return Caller(known, news)


def _find_known(phone: str) -> User | None:
    """The customer with this number, with what they have not heard; JSON as text."""
    statement, values = _question()
    for customer in User.objects.raw(statement, [phone if value == _PHONE else value for value in values]):
        return customer
    return None


@cache
def _question() -> tuple[str, tuple[Any, ...]]:
    """The statement and its values, the phone among them. Every dial asks it, and composing it takes Django longer than
    all the rest of a turn that reads."""
    found = User.objects.filter(phone=_PHONE).annotate(**unheard()).order_by()
    statement, values = found.query.sql_with_params()
    return statement, values


def latest_redemption(customer_id: UUID) -> Redemption | None:
    """The customer's newest redemption, whatever became of it."""
    return Redemption.objects.filter(customer_id=customer_id).order_by("-created_at", "-pk").first()
