"""Payouts that wait for float: money that has come wakes as many as it is enough for, the oldest first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from disbursements.models import Disbursement
from disbursements.providers.base import FloatBalance
from disbursements.services import floats
from disbursements.services.floats import record_balance
from ledger.models import Account
from tests.disbursements.conftest import RememberingOwner, assert_invariants, request_payout
from tests.disbursements.fake_provider import FakeProvider, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(budget: Account, now: datetime, owner: RememberingOwner) -> Iterator[list[str]]:
    """Keys of four payouts of 5,000, 9,000, 2,000 and 3,000 francs that wait for float, oldest first."""
    keys = []
    for number, amount in enumerate((5000, 9000, 2000, 3000)):
        at = now - timedelta(hours=4 - number)
        keys.append(request_payout(budget, at, key=f"waits-{number}", amount=Decimal(amount)).key)
    Disbursement.objects.update(wait_reason="float_short", next_action_at=now + timedelta(minutes=1))
    yield keys
    assert_invariants()


def woken(balance: int, at: datetime) -> list[str]:
    record_balance(FakeProvider(World(), "u", "e"), FloatBalance(Decimal(balance), "RWF"), at=at)
    return list(Disbursement.objects.filter(next_action_at=at).order_by("open_since").values_list("key", flat=True))


@pytest.mark.parametrize(
    ("balance", "positions"),
    [
        (1999, []),
        (5000, [0]),
        (7000, [0, 2]),
        (9999, [0, 2]),
        (10_000, [0, 2, 3]),
        (14_000, [0, 1]),
        (19_000, range(4)),
    ],
)
def test_money_wakes_the_oldest_it_is_enough_for_together(
    balance: int, positions: list[int], waiting: list[str], now: datetime
) -> None:
    assert woken(balance, now) == [waiting[position] for position in positions]


def test_a_crowd_is_woken_in_parts(waiting: list[str], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floats, "WOKEN_AT_ONCE", 2)

    assert woken(1_000_000, now) == waiting[:2]
    assert woken(1_000_000, now) == waiting


def test_payout_that_a_worker_holds_is_left_alone(waiting: list[str], now: datetime) -> None:
    Disbursement.objects.filter(key=waiting[0]).update(claimed_until=now + timedelta(minutes=2))

    assert woken(5000, now) == [waiting[2], waiting[3]]
