"""A cast for lending: customers in Lagos, settings a test may change, people in the back office."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from configuration import snapshot
from configuration.categories import Category
from loans.models import CreditProfile

ALICE = "+2348031234567"
BOB = "+2348037654321"
CategoryT = TypeVar("CategoryT", bound=Category)


def make_customer(phone: str = ALICE, *, language: str = "en", network: str = "mtn", **fields: Any) -> User:
    """A registered customer who never borrowed."""
    return User.objects.create(phone=phone, language=language, network=network, **fields)


def make_profile(customer: User, *, at: datetime, **fields: Any) -> CreditProfile:
    """The customer's credit profile: score 300, automatic limit 10,000, no loans, unless told otherwise."""
    values: dict[str, Any] = {"score": 300, "credit_limit": Decimal(10_000), "created_at": at}
    return CreditProfile.objects.create(customer=customer, **values | fields)


def actions(*prefixes: str) -> list[str]:
    """Names of recorded acts, oldest first; of those with one of the prefixes."""
    names = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    return [name for name in names if not prefixes or name.startswith(prefixes)]


@pytest.fixture
def now() -> datetime:
    """A Friday noon in Lagos, one hour ahead of UTC."""
    return datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Put settings in force for the test: `configure(LoanSettings, cooldown_minutes=0)`. Version 7, so that it shows.

    They skip what staff would be refused, and add up over calls.
    """
    original = snapshot.known_category
    put: dict[type[Category], snapshot.Known] = {}

    def known_category(category: type[Category]) -> snapshot.Known:
        return put.get(category) or original(category)

    def configure_category(category: type[CategoryT], **values: Any) -> CategoryT:
        before = put[category].values if category in put else category()
        settings = before.model_copy(update=values)
        put[category] = snapshot.Known(7, 7, settings)
        assert isinstance(settings, category)
        return settings

    monkeypatch.setattr("configuration.selectors.known_category", known_category)
    yield configure_category


@pytest.fixture
def alice() -> User:
    return make_customer(ALICE)


@pytest.fixture
def bob() -> User:
    return make_customer(BOB)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser(email="boss@example.com", password="x")


@pytest.fixture
def office(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    """May look at everything of lending and do nothing."""
    user = User.objects.create_user(email="reader@example.com", password="x")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="loans", codename__startswith="view"))
    client.force_login(user)
    return client
