"""A cast for promotions: two customers, a batch with codes, rules that a test may change."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from configuration import snapshot
from promos.configuration import PromoRules
from promos.models import Batch, PromoCode
from promos.services.batches import create_batch
from promos.services.generation import order_codes, run_generation
from promos.services.redemptions import RedemptionResult, redeem_code
from promos.terms import BatchTerms

ALICE = "+250788123456"
BOB = "+250788654321"


def promo_terms(at: datetime, **changes: Any) -> BatchTerms:
    """5,000 francs a code, for thirty days, without a budget."""
    terms = BatchTerms(
        name="Harvest",
        description="Market days",
        amount_per_code=Decimal(5000),
        currency="RWF",
        expiration_date=at + timedelta(days=30),
    )
    return replace(terms, **changes)


def make_codes(batch: Batch, count: int, *, at: datetime, amount: Decimal | None = None) -> list[PromoCode]:
    """New codes of the batch, made as a worker makes them."""
    run = order_codes(batch_id=batch.pk, count=count, amount=amount, nudge=False, at=at)
    run_generation(run_id=run.pk, clock=lambda: at)
    return list(PromoCode.objects.filter(run=run).order_by("id"))


def redeem(customer: User, code: PromoCode | str, *, at: datetime, key: str = "session-1") -> RedemptionResult:
    """What the customer hears after typing the code."""
    return redeem_code(customer_id=customer.pk, phone=customer.phone or "", typed=str(code), idempotency_key=key, at=at)


def actions(prefix: str = "promo.") -> list[str]:
    """Names of recorded acts, oldest first."""
    return list(AuditEvent.objects.filter(action__startswith=prefix).order_by("id").values_list("action", flat=True))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., PromoRules]]:
    """Put rules in force for the test: `rules(cooldown_minutes=10)`. They skip the validation that staff would meet."""

    def put(**values: Any) -> PromoRules:
        known = PromoRules.model_construct(**PromoRules().model_dump() | values)
        original = snapshot.known_category

        def known_category(category: type) -> snapshot.Known:
            return snapshot.Known(1, 1, known) if category is PromoRules else original(category)

        monkeypatch.setattr("configuration.selectors.known_category", known_category)
        return known

    yield put


@pytest.fixture
def alice() -> User:
    return User.objects.create(phone=ALICE, language="en")


@pytest.fixture
def bob() -> User:
    return User.objects.create(phone=BOB, language="rw")


@pytest.fixture
def batch(now: datetime) -> Batch:
    return create_batch(terms=promo_terms(now), at=now)


@pytest.fixture
def code(batch: Batch, now: datetime) -> PromoCode:
    return make_codes(batch, 1, at=now)[0]


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser(email="boss@example.com", password="x")


@pytest.fixture
def office(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    """May look at everything and do nothing."""
    user = User.objects.create_user(email="reader@example.com", password="x")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="promos", codename__startswith="view"))
    client.force_login(user)
    return client
