"""A cast for USSD: three gateways, a customer who has dialled before, one who has not, and codes to redeem."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from promos.models import Batch, PromoCode
from promos.services.batches import create_batch
from promos.services.generation import order_codes, run_generation
from promos.terms import BatchTerms
from tests.ussd.dialling import Handset
from ussd.models import Gateway
from ussd.selectors import forget_gateways
from ussd.services.gateways import create_gateway
from ussd.statuses import GatewayKind

ALINE = "+250788123456"
NEWCOMER = "+250791234567"
PROMO, MENU = "*384*1234#", "*384#"


def make_unknown(code: PromoCode, *, turn: int = 0) -> str:
    """A code of the same shape that nobody stored; another one for each `turn`."""
    letters = [letter for letter in "ABCDEFGH" if letter != code.code[0]]
    return letters[turn] + code.code[1:]


@pytest.fixture(autouse=True)
def _forget_gateways() -> Iterator[None]:
    """No test knows the gateways of another."""
    forget_gateways()
    yield
    forget_gateways()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def make_gateway(kind: str, *, at: datetime) -> Gateway:
    """A gateway of this kind with both service codes."""
    gateway, _secret = create_gateway(
        slug=kind, name=kind.title(), kind=kind, service_codes={PROMO: "promo", MENU: "menu"}, at=at
    )
    return gateway


@pytest.fixture
def africas_talking(now: datetime) -> Gateway:
    return make_gateway(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture
def last_input(now: datetime) -> Gateway:
    return make_gateway(GatewayKind.LAST_INPUT, at=now)


@pytest.fixture
def middle_server(now: datetime) -> Gateway:
    return make_gateway(GatewayKind.JSON, at=now)


@pytest.fixture(params=GatewayKind.values)
def gateway(request: pytest.FixtureRequest, now: datetime) -> Gateway:
    """Each kind in turn."""
    return make_gateway(request.param, at=now)


@pytest.fixture
def aline(now: datetime) -> User:
    """Has dialled before, reads English."""
    user = User.objects.create(phone=ALINE, language="en", network="MTN RW")
    # Long enough ago not to look as if she had just chosen her language.
    User.objects.filter(pk=user.pk).update(updated_at=now - timedelta(days=1))
    return user


@pytest.fixture
def batch(now: datetime) -> Batch:
    return create_batch(
        terms=BatchTerms(
            name="Harvest",
            description="Market days",
            amount_per_code=Decimal(5000),
            currency="RWF",
            expiration_date=now + timedelta(days=30),
        ),
        at=now,
    )


@pytest.fixture
def codes(batch: Batch, now: datetime) -> list[PromoCode]:
    """Three codes of 5,000 francs."""
    run = order_codes(batch_id=batch.pk, count=3, amount=None, nudge=False, at=now)
    run_generation(run_id=run.pk, clock=lambda: now)
    return list(PromoCode.objects.filter(run=run).order_by("id"))


@pytest.fixture
def handset(africas_talking: Gateway) -> Callable[..., Handset]:
    """A phone on Africa's Talking: `handset()` is Aline's, on the promo line."""

    def make(phone: str = ALINE, service_code: str = PROMO, **kwargs: object) -> Handset:
        return Handset(africas_talking, phone, service_code, **kwargs)

    return make
