"""What a hand in the database could do to money that has moved, past every trigger: each is found by its check.

Six codes redeemed: three paid, one failed, one with the provider, one waiting to be sent.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.providers import registry
from disbursements.services.advance import advance_disbursement
from disbursements.statuses import ErrorClass
from ledger.invariants import registered_invariants
from promos.services.batches import create_batch
from promos.statuses import Outcome
from tests.disbursements.fake_provider import World, refused
from tests.promos.conftest import make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db

Payouts = list[Disbursement]
PAID, ALSO_PAID, FAILED, PROCESSING, QUEUED = 0, 1, 3, 4, 5


@pytest.fixture
def payouts(now: datetime, monkeypatch: pytest.MonkeyPatch) -> Payouts:
    world = World()
    monkeypatch.setitem(registry._BUILDERS, "mtn_momo", world.build)
    batch = create_batch(terms=promo_terms(now, budget=Decimal(1_000_000)), at=now)
    for number, code in enumerate(make_codes(batch, 6, at=now)):
        customer = User.objects.create(phone=f"+25078812345{number}", language="en")
        assert redeem(customer, code, at=now).outcome == Outcome.REDEEMED
    found = list(Disbursement.objects.order_by("pk"))
    for payout in found[:3]:
        go(payout, now)
        go(payout, now + timedelta(seconds=3))
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    go(found[FAILED], now)
    go(found[FAILED], now + timedelta(seconds=3))
    go(found[PROCESSING], now)
    statuses = list(Disbursement.objects.order_by("pk").values_list("status", flat=True))
    assert statuses == ["completed"] * 3 + ["failed", "processing", "queued"]
    assert broken() == set()
    return found


def go(payout: Disbursement, at: datetime) -> None:
    advance_disbursement(disbursement_id=payout.pk, at=at)


def broken() -> set[str]:
    return {name for name, check in registered_invariants().items() if check()}


def tamper(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(";".join(["SET session_replication_role = replica", *statements]))
        cursor.execute("SET session_replication_role = DEFAULT")


def row(payout: Disbursement, change: str) -> str:
    return f"UPDATE disbursements_disbursement SET {change} WHERE id = '{payout.pk}'"


def attempt(payout: Disbursement, change: str) -> str:
    return f"UPDATE disbursements_attempt SET {change} WHERE disbursement_id = '{payout.pk}'"


def lines(payout: Disbursement, posting: str, change: str) -> str:
    key = f"disbursement:{payout.pk}:{posting}"
    return f"UPDATE ledger_entry SET {change} WHERE posting_id = (SELECT id FROM ledger_posting WHERE key = '{key}')"


CORRUPTIONS: dict[str, tuple[str, Callable[[Payouts], list[str]]]] = {
    "two settlements exchange amounts": (
        "disbursements.posting_lines",
        lambda p: [
            lines(p[PAID], "settle", "amount = sign(amount) * 4000"),
            lines(p[ALSO_PAID], "settle", "amount = sign(amount) * 6000"),
        ],
    ),
    "two reserves exchange amounts": (
        "disbursements.posting_lines",
        lambda p: [
            lines(p[PROCESSING], "reserve:1", "amount = sign(amount)"),
            lines(p[QUEUED], "reserve:1", "amount = sign(amount) * 9999"),
        ],
    ),
    "a reserve is borne by the float": (
        "disbursements.posting_lines",
        lambda p: [
            lines(p[QUEUED], "reserve:1", "account_id = (SELECT id FROM ledger_account WHERE code LIKE 'float:%')")
            + " AND amount > 0"
        ],
    ),
    "a release undoes another payout's reserve": (
        "disbursements.posting_lines",
        lambda p: [
            f"UPDATE ledger_posting SET reverses_id = (SELECT id FROM ledger_posting WHERE key ="
            f" 'disbursement:{p[QUEUED].pk}:reserve:1') WHERE key = 'disbursement:{p[FAILED].pk}:reserve:1:release'"
        ],
    ),
    "a settlement is gone": (
        "disbursements.postings",
        lambda p: [
            f"DELETE FROM ledger_entry WHERE posting_id = (SELECT id FROM ledger_posting"
            f" WHERE key = 'disbursement:{p[PAID].pk}:settle')",
            f"DELETE FROM ledger_posting WHERE key = 'disbursement:{p[PAID].pk}:settle'",
        ],
    ),
    "paid without a transaction": (
        "disbursements.attempts",
        lambda p: [row(p[PAID], "provider_transaction_id = NULL")],
    ),
    "paid by another transaction than its attempt's": (
        "disbursements.attempts",
        lambda p: [attempt(p[PAID], "provider_transaction_id = 'other'")],
    ),
    "two attempts of one transaction": (
        "disbursements.attempts",
        lambda p: [attempt(payout, "provider_transaction_id = 'same'") for payout in (p[PAID], p[ALSO_PAID])],
    ),
    "a transaction on what was not paid": (
        "disbursements.attempts",
        lambda p: [attempt(p[PROCESSING], "provider_transaction_id = 'other'")],
    ),
    "with the provider without an attempt": (
        "disbursements.attempts",
        lambda p: [f"DELETE FROM disbursements_attempt WHERE disbursement_id = '{p[PROCESSING].pk}'"],
    ),
    "with the provider, only attempt refused": (
        "disbursements.attempts",
        lambda p: [attempt(p[PROCESSING], "status = 'refused'")],
    ),
    "failed with a paid attempt": ("disbursements.attempts", lambda p: [attempt(p[FAILED], "status = 'succeeded'")]),
    "paid and back in the queue": (
        "disbursements.attempts",
        lambda p: [row(p[PAID], "status = 'queued', disbursed_at = NULL, next_action_at = now()")],
    ),
    "due in the year 3000": ("disbursements.schedule", lambda p: [row(p[QUEUED], "next_action_at = '3000-01-01'")]),
    "claimed until the year 3000": (
        "disbursements.schedule",
        lambda p: [row(p[PROCESSING], "claimed_until = '3000-01-01'")],
    ),
    "amount raised": ("disbursements.in_flight", lambda p: [row(p[QUEUED], "amount = 6000")]),
    "paid event gone": (
        "disbursements.audit_events",
        lambda p: [f"DELETE FROM audit_event WHERE action = 'disbursement.paid' AND target_id = '{p[PAID].pk}'"],
    ),
    "key of no code": ("promos.contents_agree", lambda p: [row(p[PAID], "key = 'promo:code:999999999'")]),
    "keys of two payouts exchanged": (
        "promos.contents_agree",
        lambda p: [
            row(p[PAID], "key = 'x'"),
            row(p[ALSO_PAID], f"key = '{p[PAID].key}'"),
            row(p[PAID], f"key = '{p[ALSO_PAID].key}'"),
        ],
    ),
    "payee and phone led away from the customer": (
        "promos.contents_agree",
        lambda p: [
            row(p[QUEUED], "payee = '+250788999999'"),
            f"UPDATE promos_redemption SET phone = '+250788999999' WHERE disbursement_id = '{p[QUEUED].pk}'",
        ],
    ),
    "amounts of payout, redemption and code raised together": (
        "disbursements.posting_lines",
        lambda p: [
            row(p[PAID], "amount = 6000"),
            f"UPDATE promos_redemption SET amount = 6000 WHERE disbursement_id = '{p[PAID].pk}'",
            "UPDATE promos_code SET amount = 6000 WHERE id ="
            f" (SELECT promo_code_id FROM promos_redemption WHERE disbursement_id = '{p[PAID].pk}')",
        ],
    ),
    "events of redemptions gone": (
        "promos.audit_events",
        lambda p: ["DELETE FROM audit_event WHERE action LIKE 'promo.redemption.%'"],
    ),
    "one event of a redemption gone": (
        "promos.audit_events",
        lambda p: ["DELETE FROM audit_event WHERE action = 'promo.redemption.failed'"],
    ),
    "messages gone": ("promos.customers_are_told", lambda p: ["DELETE FROM notifications_sms"]),
    "message sent to somebody else": (
        "promos.customers_are_told",
        lambda p: ["""UPDATE notifications_sms SET "to" = '+250788999999' WHERE key LIKE '%:failed:1'"""],
    ),
    "redemption gone": (
        "promos.payouts_have_redemptions",
        lambda p: [f"DELETE FROM promos_redemption WHERE disbursement_id = '{p[PAID].pk}'"],
    ),
    "budget returned": (
        "promos.budgets",
        lambda p: ["UPDATE promos_budget_slice SET remaining = remaining + 1 WHERE number = 3"],
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruption_is_found(name: str, payouts: Payouts) -> None:
    check, corrupt = CORRUPTIONS[name]

    tamper(*corrupt(payouts))

    assert check in broken()
