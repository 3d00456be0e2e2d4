"""Batches: terms and their rules, names, budgets, who is responsible (spec 5, section 2.2)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import User
from audit.models import AuditEvent
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments, PaymentSettings
from ledger.statuses import AccountKind
from promos.models import Batch, BudgetSlice
from promos.services.batches import (
    BatchNameTaken,
    BudgetFixed,
    NotAStaffMember,
    assign_batch,
    create_batch,
    terms_of,
    update_batch,
)
from promos.services.budgets import SLICES, BudgetTooSmall, split_budget
from promos.services.generation import InvalidOrder, order_codes
from promos.terms import InvalidTerms, default_expiration, end_of_day
from tests.audit.threads import run_together
from tests.promos.conftest import actions, make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper() -> User:
    return User.objects.create_user(email="keeper@example.com", password="x")


def test_create_batch_opens_its_account_and_says_so(now: datetime, keeper: User) -> None:
    batch = create_batch(terms=promo_terms(now), assigned_user=keeper, created_by=keeper, at=now)

    batch.refresh_from_db()
    assert (batch.name, batch.amount_per_code, batch.currency) == ("Harvest", Decimal(5000), "RWF")
    assert (batch.status, batch.total_codes, batch.budget) == ("active", 0, None)
    assert (batch.assigned_user, batch.created_by, batch.created_at) == (keeper, keeper, now)
    assert (batch.account.code, batch.account.kind) == (f"promo:{batch.pk}", AccountKind.EXPENSE)
    event = AuditEvent.objects.get(action="promo.batch.created")
    assert event.target_id == str(batch.pk)
    assert event.after["amount_per_code"] == "5000"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"description": "x" * 2001}, "description"),
        ({"amount_per_code": Decimal(0)}, "amount_per_code"),
        ({"amount_per_code": Decimal(-5)}, "amount_per_code"),
        ({"amount_per_code": Decimal("NaN")}, "amount_per_code"),
        ({"amount_per_code": Decimal("Infinity")}, "amount_per_code"),
        ({"amount_per_code": Decimal("5000.50")}, "amount_per_code"),
        ({"amount_per_code": Decimal(10**13)}, "amount_per_code"),
        ({"amount_per_code": Decimal(5_000_001)}, "amount_per_code"),
        ({"currency": "rwf"}, "currency"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": "KES"}, "currency"),
        ({"budget": Decimal(0)}, "budget"),
        ({"budget": Decimal("9000.5")}, "budget"),
        ({"budget": Decimal(4999)}, "budget"),
        ({"budget": Decimal("NaN")}, "budget"),
        ({"budget": Decimal(10**15)}, "budget"),
        ({"expiration_date": timedelta(0)}, "expiration_date"),
        ({"expiration_date": timedelta(days=-1)}, "expiration_date"),
        ({"expiration_date": timedelta(days=36_502)}, "expiration_date"),
    ],
)
def test_create_batch_refuses_bad_terms_and_keeps_nothing(changes: dict[str, Any], field: str, now: datetime) -> None:
    if isinstance(changes.get("expiration_date"), timedelta):
        changes = {"expiration_date": now + changes["expiration_date"]}

    with pytest.raises(InvalidTerms) as refused:
        create_batch(terms=promo_terms(now, **changes), at=now)

    assert list(refused.value.errors) == [field]
    assert Batch.objects.count() == 0


def test_create_batch_keeps_the_rules_on_days(now: datetime, rules) -> None:
    rules(min_expiration_days=10, max_expiration_days=20)

    for days in (9, 22):
        with pytest.raises(InvalidTerms, match="10 days" if days == 9 else "20 days"):
            create_batch(terms=promo_terms(now, expiration_date=now + timedelta(days=days)), at=now)
    create_batch(terms=promo_terms(now, expiration_date=now + timedelta(days=20)), at=now)


@pytest.fixture
def shillings(now: datetime) -> None:
    """Our float is kept in Kenyan shillings."""
    change_category(PaymentSettings, changes={"momo_currency": "KES"}, changed_by=None, reason="Test", at=now)


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [
        ("RWF", 5_000_001, "between 1 and 5,000,000 RWF"),
        ("NGN", 1_000_001, "between 50 and 1,000,000 NGN"),
        ("NGN", 49, "between 50 and 1,000,000 NGN"),
        ("KES", 5000, "Payouts are made in NGN and RWF."),
    ],
)
def test_amounts_keep_the_limits_of_the_account_that_pays_the_currency(
    currency: str, amount: int, words: str, now: datetime
) -> None:
    terms = promo_terms(now, currency=currency, amount_per_code=Decimal(amount))
    with pytest.raises(InvalidTerms, match=words):
        create_batch(terms=terms, at=now)

    assert Batch.objects.count() == 0


def test_currency_that_no_account_pays_any_more_takes_no_new_batch(now: datetime) -> None:
    change_category(NigeriaPayments, changes={"momo_enabled": False}, changed_by=None, reason="Test", at=now)

    with pytest.raises(InvalidTerms, match=r"Payouts are made in RWF\."):
        create_batch(terms=promo_terms(now, currency="NGN"), at=now)


@pytest.mark.usefixtures("shillings")
def test_currency_with_minor_units_takes_them_and_no_more(now: datetime) -> None:
    with pytest.raises(InvalidTerms) as refused:
        create_batch(terms=promo_terms(now, currency="KES", amount_per_code=Decimal("10.555")), at=now)
    batch = create_batch(terms=promo_terms(now, currency="KES", amount_per_code=Decimal("10.50")), at=now)

    batch.refresh_from_db()
    assert batch.amount_per_code == Decimal("10.50")
    assert list(refused.value.errors) == ["amount_per_code"]


def test_batch_in_a_currency_that_is_no_longer_paid_can_be_ended_and_makes_no_codes(
    batch: Batch, request: pytest.FixtureRequest, now: datetime
) -> None:
    request.getfixturevalue("shillings")
    tomorrow = now + timedelta(days=1)

    assert update_batch(batch_id=batch.pk, terms=promo_terms(now, expiration_date=tomorrow), at=now)
    with pytest.raises(InvalidOrder, match="Payouts are made in KES and NGN"):
        order_codes(batch_id=batch.pk, count=1, nudge=False, at=now)


@pytest.mark.parametrize("name", ["Harvest", "HARVEST", "  harvest ", "Harvest\n"])
def test_batch_names_are_unique_in_any_case(name: str, batch: Batch, now: datetime) -> None:
    with pytest.raises(BatchNameTaken):
        create_batch(terms=promo_terms(now, name=name), at=now)

    other = create_batch(terms=promo_terms(now, name="Other"), at=now)
    with pytest.raises(BatchNameTaken):
        update_batch(batch_id=other.pk, terms=promo_terms(now, name=name), at=now)
    assert sorted(Batch.objects.values_list("name", flat=True)) == ["Harvest", "Other"]


@pytest.mark.django_db(transaction=True)
def test_same_name_at_once_makes_one_batch(now: datetime) -> None:
    results = run_together(
        6, lambda number: create_batch(terms=promo_terms(now, name="x" if number % 2 else "X"), at=now)
    )

    assert sum(isinstance(result, Batch) for result in results) == 1
    assert sum(isinstance(result, BatchNameTaken) for result in results) == 5


def test_default_expiration_is_the_end_of_a_day_in_the_country(rules) -> None:
    known = rules(default_expiration_days=1)
    # 23:00 UTC is already the next day in Kigali.
    at = datetime.fromisoformat("2030-03-01T23:00:00+00:00")

    assert default_expiration(rules=known, at=at).isoformat() == "2030-03-03T23:59:59+02:00"
    assert end_of_day(at.date(), rules=known).isoformat() == "2030-03-01T23:59:59+02:00"


def test_update_batch_changes_terms_and_records_only_what_changed(batch: Batch, now: datetime) -> None:
    terms = promo_terms(now, name="Harvest 2", amount_per_code=Decimal(7000))

    update_batch(batch_id=batch.pk, terms=terms, at=now)

    batch.refresh_from_db()
    assert (batch.name, batch.amount_per_code) == ("Harvest 2", Decimal(7000))
    event = AuditEvent.objects.get(action="promo.batch.updated")
    assert event.before == {"name": "Harvest", "amount_per_code": "5000"}
    assert event.after == {"name": "Harvest 2", "amount_per_code": "7000"}


def test_update_batch_with_the_same_terms_records_nothing(batch: Batch, now: datetime) -> None:
    batch.refresh_from_db()
    update_batch(batch_id=batch.pk, terms=terms_of(batch), at=now)

    assert actions("promo.batch") == ["promo.batch.created"]


def test_update_batch_leaves_codes_their_amount(alice: User, batch: Batch, now: datetime) -> None:
    old = make_codes(batch, 1, at=now)[0]
    update_batch(batch_id=batch.pk, terms=promo_terms(now, amount_per_code=Decimal(7000)), at=now)
    new = make_codes(batch, 1, at=now)[0]

    assert [redeem(alice, code, at=now).amount for code in (old, new)] == [Decimal(5000), Decimal(7000)]


def test_update_batch_refuses_another_currency(batch: Batch, now: datetime) -> None:
    with pytest.raises(InvalidTerms, match="cannot be changed"):
        update_batch(batch_id=batch.pk, terms=promo_terms(now, currency="KES"), at=now)


def test_update_batch_does_not_judge_a_past_date_again(batch: Batch, now: datetime) -> None:
    later = now + timedelta(days=31)

    update_batch(batch_id=batch.pk, terms=promo_terms(now, description="Over"), at=later)

    batch.refresh_from_db()
    assert batch.description == "Over"


def test_budget_can_be_raised_and_lowered_to_what_is_promised(alice: User, now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(50_000)), at=now)
    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)

    too_small = promo_terms(now, amount_per_code=Decimal(4000), budget=Decimal(4999))
    with pytest.raises(BudgetTooSmall):
        update_batch(batch_id=batch.pk, terms=too_small, at=now)
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(45_000)

    update_batch(batch_id=batch.pk, terms=promo_terms(now, budget=Decimal(5_000)), at=now)
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == 0

    update_batch(batch_id=batch.pk, terms=promo_terms(now, budget=Decimal(80_000)), at=now)
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == Decimal(75_000)


def test_budget_cannot_be_put_on_a_batch_with_codes_nor_taken_off(batch: Batch, now: datetime) -> None:
    update_batch(batch_id=batch.pk, terms=promo_terms(now, budget=Decimal(10_000)), at=now)
    assert BudgetSlice.objects.count() == SLICES

    with pytest.raises(BudgetFixed):
        update_batch(batch_id=batch.pk, terms=promo_terms(now), at=now)

    free = create_batch(terms=promo_terms(now, name="Free"), at=now)
    make_codes(free, 1, at=now)
    with pytest.raises(BudgetFixed):
        update_batch(batch_id=free.pk, terms=promo_terms(now, name="Free", budget=Decimal(10_000)), at=now)


@pytest.mark.parametrize(
    ("total", "unit"), [("12000", "5000"), ("5000", "5000"), ("1000000", "5000"), ("10.55", "2.50")]
)
def test_split_budget_loses_nothing_and_cuts_whole_units(total: str, unit: str) -> None:
    slices = split_budget(Decimal(total), unit=Decimal(unit))

    assert len(slices) == SLICES
    assert sum(slices) == Decimal(total)
    units = [part // Decimal(unit) for part in slices]
    assert sum(units) == Decimal(total) // Decimal(unit)
    assert max(units) - min(units) <= 1


def test_assign_batch_to_staff_only(batch: Batch, alice: User, keeper: User, now: datetime) -> None:
    assign_batch(batch_id=batch.pk, assigned_user=keeper, at=now)
    batch.refresh_from_db()
    assert batch.assigned_user == keeper

    with pytest.raises(NotAStaffMember):
        assign_batch(batch_id=batch.pk, assigned_user=alice, at=now)
    keeper.is_active = False
    with pytest.raises(NotAStaffMember):
        create_batch(terms=promo_terms(now, name="Other"), assigned_user=keeper, at=now)

    assign_batch(batch_id=batch.pk, assigned_user=None, at=now)
    assign_batch(batch_id=batch.pk, assigned_user=None, at=now)
    assert actions("promo.batch.assigned") == ["promo.batch.assigned"] * 2


def test_database_refuses_what_must_never_be(batch: Batch, now: datetime) -> None:
    """By whatever road: the currency, a wrong move, an amount of zero, a slice below zero."""
    create_batch(terms=promo_terms(now, name="With budget", budget=Decimal(5000)), at=now)
    forbidden: list[tuple[Any, dict[str, Any], type[Exception]]] = [
        (Batch, {"amount_per_code": 0}, IntegrityError),
        (Batch, {"status": "paused"}, DatabaseError),
        (Batch, {"currency": "KES"}, DatabaseError),
        (BudgetSlice, {"remaining": Decimal(-1)}, IntegrityError),
    ]
    for model, change, error in forbidden:
        with pytest.raises(error), transaction.atomic():
            model.objects.update(**change)
    batch.refresh_from_db()
    assert terms_of(batch) == promo_terms(now)
