"""Each invariant finds its breach: a rule that cannot fail proves nothing."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import User
from promos.invariants import PROMO_INVARIANTS
from promos.models import Redemption
from promos.services.batches import create_batch
from tests.promos.conftest import make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db


@pytest.fixture
def lively(alice: User, bob: User, now: datetime) -> Redemption:
    """A batch with a budget, one code redeemed, one free."""
    batch = create_batch(terms=promo_terms(now, budget=Decimal(100_000)), at=now)
    codes = make_codes(batch, 3, at=now)
    redeem(alice, codes[0], at=now)
    return Redemption.objects.select_related("promo_code", "batch").get()


def test_invariants_hold_after_a_redemption(lively: Redemption) -> None:
    assert {name: list(check()) for name, check in PROMO_INVARIANTS.items()} == {key: [] for key in PROMO_INVARIANTS}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("promos.codes_and_redemptions", "UPDATE promos_code SET status = 'active', used_at = NULL"),
        (
            "promos.codes_and_redemptions",
            "UPDATE promos_code SET status = 'used', used_at = now() WHERE status = 'active'",
        ),
        ("promos.statuses_agree", "UPDATE promos_redemption SET status = 'failed'"),
        ("promos.statuses_agree", "UPDATE promos_code SET status = 'redeemed', redeemed_at = now(), used_at = now()"),
        ("promos.contents_agree", "UPDATE promos_redemption SET amount = 6000"),
        ("promos.contents_agree", "UPDATE promos_redemption SET phone = '+250788000000'"),
        ("promos.payouts_have_redemptions", "DELETE FROM promos_redemption"),
        ("promos.budgets", "UPDATE promos_budget_slice SET remaining = remaining + 1 WHERE number = 3"),
        ("promos.budgets", "DELETE FROM promos_budget_slice"),
        ("promos.batch_costs", "UPDATE ledger_entry SET amount = amount * 2"),
        ("promos.code_counts", "UPDATE promos_generation_run SET generated = generated - 1, status = 'failed'"),
        ("promos.code_counts", "UPDATE promos_batch SET total_codes = 7"),
    ],
)
def test_invariant_finds_its_breach(name: str, damage: str, lively: Redemption) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; {damage}")

    breaches = PROMO_INVARIANTS[name]()

    assert breaches
    assert all(breach.subject and breach.detail for breach in breaches)
