"""Runs, codes and redemptions in the back office: lists never count, money is fixed."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from promos.models import Batch, CodeAttempt, GenerationRun, PromoCode, Redemption
from promos.services.batches import create_batch
from promos.services.codes import block_codes
from promos.services.generation import order_codes
from tests.promos.conftest import actions, make_codes, promo_terms, redeem
from tests.promos.office import act, page

pytestmark = pytest.mark.django_db

MODELS = ["batch", "generationrun", "promocode", "redemption", "codeattempt"]


# Runs


def test_progress_is_told_as_json(office: Client, batch: Batch, now: datetime) -> None:
    run = order_codes(batch_id=batch.pk, count=8, nudge=False, at=now)
    GenerationRun.objects.filter(pk=run.pk).update(status="running", generated=3)

    response = office.get(page("generationrun", "progress", run.pk))

    assert json.loads(response.content) == {"percent": 37, "words": "3 of 8 (37 %), running", "finished": False}


def test_button_cancels_a_run(office: Client, batch: Batch, now: datetime) -> None:
    run = order_codes(batch_id=batch.pk, count=8, nudge=False, at=now)

    act(office, "generationrun", "cancel", run.pk, reason="Wrong amount")

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert AuditEvent.objects.get(action="promo.generation.cancel_requested").reason == "Wrong amount"
    # A second click finds no button: the run has ended.
    assert act(office, "generationrun", "cancel", run.pk, reason="x").status_code == 403


# Codes


def test_code_is_found_in_any_typed_form(office: Client, batch: Batch, now: datetime) -> None:
    code, *_others = make_codes(batch, 3, at=now)
    for typed in (str(code), code.code, str(code).lower(), str(code).replace("-", " "), str(code)[:12]):
        found = office.get(page("promocode", "changelist"), {"q": typed}).context["cl"].result_list
        assert list(found) == [code]


def test_code_search_can_use_the_unique_index() -> None:
    """The search is a plain LIKE on the column, and the column's byte order lets its index answer that."""
    search = PromoCode.objects.filter(code__startswith="ABCDEF").order_by().values("pk")
    assert "LIKE ABCDEF%" in str(search.query)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "code_unique" in search.explain()


def test_codes_money_is_read_only(office: Client, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]

    assert office.post(page("promocode", "change", code.pk), {"amount": "9000000"}).status_code == 403
    code.refresh_from_db()
    assert code.amount == Decimal(5000)


def test_buttons_stop_a_code_and_let_it_go(office: Client, batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    for action, status in [("block", "blocked"), ("unblock", "active"), ("report", "reported")]:
        act(office, "promocode", action, code.pk, reason="Seen online")
        code.refresh_from_db()
        assert code.status == status


def test_many_codes_are_blocked_at_once(office: Client, alice: User, batch: Batch, now: datetime) -> None:
    used, *free = make_codes(batch, 4, at=now)
    redeem(alice, used, at=now)

    response = office.post(
        page("promocode", "changelist"),
        {"action": "block_many", "_selected_action": [used.pk, *(code.pk for code in free)]},
        follow=True,
    )

    body = response.content.decode()
    assert "3 blocked." in body
    assert "1 left as they are" in body
    assert sorted(PromoCode.objects.values_list("status", flat=True)) == ["blocked"] * 3 + ["used"]


# Lists


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rows", [1, 3])
def test_lists_take_the_same_few_statements_and_never_count(
    model: str, rows: int, office: Client, alice: User, now: datetime
) -> None:
    for number in range(rows):
        batch = create_batch(terms=promo_terms(now, name=f"Batch {number}", budget=Decimal(90_000)), at=now)
        code, blocked = make_codes(batch, 2, at=now)
        redeem(alice, code, at=now)
        block_codes(code_ids=[blocked.pk], reason="", at=now)
        redeem(alice, blocked, at=now)
    office.get(page(model, "changelist"))

    with CaptureQueriesContext(connection) as statements:
        response = office.get(page(model, "changelist"))

    assert response.status_code == 200
    texts = [s["sql"] for s in statements]
    assert not [text for text in texts if "COUNT(" in text.upper()]
    assert len(texts) <= 6, texts


def test_redemption_is_found_by_phone_and_code_and_links_to_its_payout(
    office: Client, alice: User, bob: User, batch: Batch, now: datetime
) -> None:
    first, second = make_codes(batch, 2, at=now)
    redeem(alice, first, at=now)
    redeem(bob, second, at=now)
    hers = Redemption.objects.get(customer=alice)

    for typed in ("0788123456", alice.phone, str(first).lower()):
        found = office.get(page("redemption", "changelist"), {"q": typed}).context["cl"].result_list
        assert list(found) == [hers]
    body = office.get(page("redemption", "change", hers.pk)).content.decode()
    assert reverse("admin:disbursements_disbursement_change", args=[hers.disbursement_id]) in body


def test_lists_are_filtered_by_links(office: Client, batch: Batch, now: datetime) -> None:
    run = make_codes(batch, 2, at=now)[0].run
    other = create_batch(terms=promo_terms(now, name="Other"), at=now)
    make_codes(other, 1, at=now)

    for filters in ({"batch__id__exact": str(batch.pk)}, {"run__id__exact": str(run.pk)}):
        assert len(office.get(page("promocode", "changelist"), filters).context["cl"].result_list) == 2
    assert office.get(page("redemption", "changelist"), {"batch__id__exact": str(batch.pk)}).status_code == 200


def test_pick_list_of_batches_knows_its_end(office: Client, batch: Batch) -> None:
    choice = {"app_label": "promos", "model_name": "promocode", "field_name": "batch", "term": "harv"}

    found = office.get(reverse("admin:autocomplete"), choice).json()

    assert found == {"results": [{"id": str(batch.pk), "text": "Harvest"}], "pagination": {"more": False}}


def test_wrong_codes_are_listed_by_phone(office: Client, alice: User, bob: User, now: datetime) -> None:
    redeem(alice, "ABCD-EF26-GH11-JK20", at=now)
    redeem(bob, "ABCD-EF26-GH11-JK20", at=now)

    found = office.get(page("codeattempt", "changelist"), {"q": "0788 123 456"}).context["cl"].result_list

    assert list(found) == [CodeAttempt.objects.get(phone=alice.phone)]
    assert actions("promo.guessing") == []
