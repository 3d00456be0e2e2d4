"""What a redemption costs: statements, and who waits for whom (architecture section 7)."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from configuration.selectors import current
from promos.configuration import PromoRules
from promos.models import Batch
from promos.services.batches import create_batch
from promos.statuses import Outcome
from tests.promos.conftest import make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db(transaction=True)

EVERY_LIMIT = {
    "max_redemptions_per_customer": 50,
    "max_redemptions_per_customer_per_batch": 50,
    "max_redemptions_per_customer_per_day": 50,
    "cooldown_minutes": 0,
}


@pytest.fixture
def warm(alice: User, batch: Batch, now: datetime) -> None:
    """Accounts and settings are known to the process, as in its second redemption."""
    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)
    current(PromoRules)


@pytest.mark.parametrize("currency", ["RWF", "NGN"])
def test_redeem_takes_at_most_twelve_statements(warm: None, alice: User, now: datetime, rules, currency: str) -> None:
    batch = create_batch(terms=promo_terms(now, name="Rich", currency=currency, budget=Decimal(1_000_000)), at=now)
    code = make_codes(batch, 1, at=now)[0]
    rules(**EVERY_LIMIT)

    with CaptureQueriesContext(connection) as statements:
        assert redeem(alice, code, at=now, key="session-2").outcome == Outcome.REDEEMED

    kinds = [statement["sql"].split(" ", 1)[0] for statement in statements]
    assert kinds == [
        "BEGIN",
        "SELECT",  # customer, locked
        "SELECT",  # code, locked, with batch, account and the customer's counts
        "UPDATE",  # budget slice
        "INSERT",  # disbursement
        "INSERT",  # posting
        "INSERT",  # entries
        "INSERT",  # audit: payout requested
        "INSERT",  # redemption
        "UPDATE",  # code
        "INSERT",  # audit: redemption accepted
        "COMMIT",
    ]


def test_redeem_locks_customer_and_code_before_it_writes(warm: None, alice: User, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]

    with CaptureQueriesContext(connection) as statements:
        redeem(alice, code, at=now, key="session-2")

    locks = [(number, s["sql"]) for number, s in enumerate(statements) if "FOR NO KEY UPDATE" in s["sql"]]
    writes = [number for number, s in enumerate(statements) if s["sql"].startswith(("INSERT", "UPDATE"))]
    assert ['"accounts_user"' in locks[0][1], '"promos_code"' in locks[1][1]] == [True, True]
    assert locks[1][0] < min(writes)
    # Neither the batch nor the account is locked: everybody's redemptions share them.
    assert locks[1][1].endswith('FOR NO KEY UPDATE OF "promos_code"')


def test_redeem_refusal_of_an_unknown_code_is_cheap(warm: None, alice: User, now: datetime) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert redeem(alice, "ABCD-EF26-GH11-JK20", at=now).outcome == Outcome.NOT_FOUND

    assert [s["sql"].split(" ", 1)[0] for s in statements] == ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"]


def test_redeem_of_what_is_no_code_asks_the_database_nothing(warm: None, alice: User, now: datetime) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert redeem(alice, "hello", at=now).outcome == Outcome.INVALID_FORMAT

    assert len(statements) == 0
