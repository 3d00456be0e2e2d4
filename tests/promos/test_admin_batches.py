"""Batches in the back office: form and buttons go through the services, errors keep what was typed."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments
from promos.models import Batch, GenerationRun, PromoCode, Redemption
from promos.services.batches import create_batch
from promos.services.generation import order_codes
from tests.promos.conftest import make_codes, promo_terms, redeem
from tests.promos.office import act, page

pytestmark = pytest.mark.django_db

MODELS = ["batch", "generationrun", "promocode", "redemption", "codeattempt"]


def batch_fields(**changes: Any) -> dict[str, Any]:
    last_day = (timezone.now() + timedelta(days=30)).date()
    return {
        "name": "Radio",
        "description": "",
        "amount_per_code": "2000",
        "currency": "RWF",
        "budget": "",
        "expires_on": last_day.isoformat(),
        "assigned_user": "",
    } | changes


def test_form_creates_a_batch_through_the_service(office: Client, boss: User) -> None:
    response = office.post(page("batch", "add"), batch_fields(budget="10000", assigned_user=str(boss.pk)))

    assert response.status_code == 302, response.context["adminform"].form.errors
    batch = Batch.objects.get()
    assert (batch.name, batch.amount_per_code, batch.budget) == ("Radio", Decimal(2000), Decimal(10_000))
    assert (batch.created_by, batch.assigned_user) == (boss, boss)
    assert batch.expiration_date.astimezone(timezone.get_fixed_timezone(120)).strftime("%H:%M:%S") == "23:59:59"
    assert sum(part.remaining for part in batch.budget_slices.all()) == Decimal(10_000)
    event = AuditEvent.objects.get(action="promo.batch.created")
    assert (event.actor_label, event.actor_id) == ("boss@example.com", str(boss.pk))


def test_form_offers_the_currencies_that_are_paid(office: Client, now: datetime) -> None:
    def offered() -> list[str]:
        form = office.get(page("batch", "add")).context["adminform"].form
        return [code for code, _label in form.fields["currency"].choices]

    assert offered() == ["NGN", "RWF"]
    change_category(NigeriaPayments, changes={"momo_enabled": False}, changed_by=None, reason="Test", at=now)
    assert offered() == ["RWF"]


def test_form_takes_a_batch_in_naira_within_the_limits_of_its_account(office: Client) -> None:
    too_much = office.post(page("batch", "add"), batch_fields(currency="NGN", amount_per_code="1000001"))
    assert "between 50 and 1,000,000 NGN" in str(too_much.context["adminform"].form.errors["amount_per_code"])

    assert office.post(page("batch", "add"), batch_fields(currency="NGN", amount_per_code="99.50")).status_code == 302
    batch = Batch.objects.get()
    assert (batch.currency, batch.amount_per_code) == ("NGN", Decimal("99.50"))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "hARVEST"}, "__all__", "exists"),
        ({"amount_per_code": "0"}, "amount_per_code", "above zero"),
        ({"amount_per_code": "12.5"}, "amount_per_code", "whole units"),
        ({"amount_per_code": "many"}, "amount_per_code", "number"),
        ({"budget": "1999"}, "budget", "single code"),
        ({"expires_on": "2020-01-01"}, "expires_on", "future"),
        ({"expires_on": "soon"}, "expires_on", "date"),
        ({"currency": "XYZ"}, "currency", "valid choice"),
    ],
)
def test_form_shows_errors_beside_fields_and_keeps_what_was_typed(
    changes: dict[str, str], field: str, words: str, office: Client, batch: Batch
) -> None:
    response = office.post(page("batch", "add"), batch_fields(description="Long story") | changes)

    assert response.status_code == 200
    assert words in str(response.context["adminform"].form.errors[field])
    assert "Long story" in response.content.decode()
    assert Batch.objects.count() == 1


def test_form_changes_a_batch_and_keeps_its_last_moment(office: Client, batch: Batch) -> None:
    before = batch.expiration_date
    shown = office.get(page("batch", "change", batch.pk)).context["adminform"].form.initial

    response = office.post(
        page("batch", "change", batch.pk),
        {
            "name": "Harvest",
            "description": "New words",
            "amount_per_code": shown["amount_per_code"],
            "budget": "",
            "expires_on": shown["expires_on"].isoformat(),
        },
    )

    assert response.status_code == 302
    batch.refresh_from_db()
    assert (batch.description, batch.expiration_date, batch.currency) == ("New words", before, "RWF")
    assert AuditEvent.objects.get(action="promo.batch.updated").after == {"description": "New words"}


def test_refusal_under_the_lock_comes_back_with_what_was_typed(office: Client, alice: User, now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(50_000)), at=now)
    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)

    response = office.post(
        page("batch", "change", batch.pk),
        batch_fields(name="Harvest", description="Typed with care", amount_per_code="1000", budget="4000"),
    )

    assert response.status_code == 200
    body = response.content.decode()
    assert "already promised to customers" in body
    assert "Typed with care" in body
    batch.refresh_from_db()
    assert (batch.budget, batch.description) == (Decimal(50_000), "Market days")


def test_batch_page_shows_codes_money_and_runs(office: Client, alice: User, batch: Batch, now: datetime) -> None:
    codes = make_codes(batch, 3, at=now)
    redeem(alice, codes[0], at=now)
    order_codes(batch_id=batch.pk, count=10, nudge=False, at=now)

    body = office.get(page("batch", "change", batch.pk)).content.decode()

    assert ">2</a> active" in body
    assert ">1</a> used" in body
    assert "RWF 5,000" in body
    assert "3 of 3 (100 %), completed" in body
    assert body.count("data-run-progress=") == 1
    assert "promos/run_progress" in body


def test_button_orders_codes(office: Client, boss: User, batch: Batch) -> None:
    dialog = office.get(page("batch", "generate", batch.pk)).content.decode()
    assert 'value="5000"' in dialog
    assert GenerationRun.objects.count() == 0

    response = act(office, "batch", "generate", batch.pk, count="7", amount="800")

    assert response.headers["HX-Redirect"] == page("batch", "change", batch.pk)
    run = GenerationRun.objects.get()
    assert (run.requested, run.amount, run.created_by, run.status) == (7, Decimal(800), boss, "queued")


def test_button_shows_the_services_refusal(office: Client, batch: Batch) -> None:
    act(office, "batch", "generate", batch.pk, count="100001", amount="800")

    body = office.get(page("batch", "change", batch.pk)).content.decode()
    assert "One run makes 1 to 100,000 codes" in body
    assert GenerationRun.objects.count() == 0


def test_buttons_block_unblock_and_assign(office: Client, boss: User, batch: Batch) -> None:
    act(office, "batch", "block", batch.pk, reason="Stolen")
    batch.refresh_from_db()
    assert batch.status == "blocked"

    act(office, "batch", "unblock", batch.pk, reason="Found")
    act(office, "batch", "assign", batch.pk, assigned_user=str(boss.pk))

    batch.refresh_from_db()
    assert (batch.status, batch.assigned_user) == ("active", boss)
    reasons = AuditEvent.objects.filter(action__contains="blocked").order_by("id").values_list("reason", flat=True)
    assert list(reasons) == ["Stolen", "Found"]


def test_link_alone_changes_nothing(office: Client, batch: Batch) -> None:
    """A page opened by a link must not act: each button asks first and acts on the answer."""
    for action in ("generate", "assign", "block"):
        assert office.get(page("batch", action, batch.pk) + "?reason=x&count=5&amount=5").status_code == 200

    batch.refresh_from_db()
    assert (batch.status, GenerationRun.objects.count()) == ("active", 0)


def test_readers_see_everything_and_can_do_nothing(reader: Client, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    run = order_codes(batch_id=batch.pk, count=3, nudge=False, at=now)
    for model in MODELS:
        assert reader.get(page(model, "changelist")).status_code == 200
    assert reader.get(page("batch", "add")).status_code == 403
    assert reader.post(page("batch", "change", batch.pk), batch_fields()).status_code == 403
    for model, action, pk in [
        ("batch", "generate", batch.pk),
        ("batch", "assign", batch.pk),
        ("batch", "block", batch.pk),
        ("generationrun", "cancel", run.pk),
        ("promocode", "block", code.pk),
        ("promocode", "report", code.pk),
    ]:
        assert act(reader, model, action, pk, reason="x", count="1", amount="1").status_code == 403
    assert reader.get(page("generationrun", "progress", run.pk)).status_code == 200
    batch.refresh_from_db(), code.refresh_from_db()
    assert (batch.status, code.status, GenerationRun.objects.count()) == ("active", "active", 2)


def test_nothing_can_be_deleted(office: Client, alice: User, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    redeem(alice, code, at=now)
    for model, row in [("batch", batch), ("promocode", code), ("redemption", Redemption.objects.get())]:
        assert office.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert Batch.objects.count() == PromoCode.objects.count() == Redemption.objects.count() == 1
