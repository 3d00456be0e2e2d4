"""Making codes: exact counts, no doubles, through crashes, collisions and cancels (spec 5, section 2.4)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from psycopg.errors import DeadlockDetected

from audit.models import AuditEvent
from promos.codes import CODE_CHARACTERS
from promos.models import Batch, GenerationRun, PromoCode
from promos.services import code_storage, generation
from promos.services.batch_status import block_batch
from promos.services.batches import create_batch
from promos.services.generation import (
    BatchNotOpen,
    InvalidOrder,
    order_codes,
    run_generation,
)
from tests.audit.threads import run_together
from tests.promos.conftest import actions, make_codes, promo_terms
from tests.promos.runs import assert_whole, order

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


def test_run_makes_active_codes_of_its_day(batch: Batch, rules) -> None:
    # 23:30 UTC on the last of the month is the first of the next in Kigali.
    at = datetime.fromisoformat("2030-01-31T23:30:00+00:00")
    Batch.objects.filter(pk=batch.pk).update(expiration_date=at + timedelta(days=1))

    run = order(batch, 25, at)
    assert run_generation(run_id=run.pk, clock=lambda: at).status == "completed"

    assert_whole(run, 25)
    assert run.code_date == date(2030, 2, 1)
    code = run.codes.first()
    assert (code.code[6:8], code.code[10:12], code.code[14:16]) == ("30", "02", "01")
    assert (code.batch, code.amount, code.status, code.created_at) == (batch, Decimal(5000), "active", at)
    assert code.expires_at is code.used_at is code.redeemed_at is None
    batch.refresh_from_db()
    assert batch.total_codes == 25
    assert actions("promo.generation") == ["promo.generation.ordered", "promo.generation.completed"]


def test_many_runs_fill_one_batch(batch: Batch, now: datetime) -> None:
    make_codes(batch, 3, at=now)
    make_codes(batch, 4, amount=Decimal(250), at=now)

    batch.refresh_from_db()
    assert batch.total_codes == 7
    amounts = batch.codes.order_by("amount").values_list("amount").annotate(number=Count("pk"))
    assert list(amounts) == [(Decimal(250), 4), (Decimal(5000), 3)]


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_order_refuses_impossible_counts(count: int, batch: Batch, now: datetime) -> None:
    with pytest.raises(InvalidOrder):
        order(batch, count, now)
    assert GenerationRun.objects.count() == 0


@pytest.mark.parametrize("amount", ["0", "-1", "10.50", "NaN", "5000001"])
def test_order_refuses_impossible_amounts(amount: str, batch: Batch, now: datetime) -> None:
    with pytest.raises(InvalidOrder):
        order_codes(batch_id=batch.pk, count=1, amount=Decimal(amount), nudge=False, at=now)


def test_order_refuses_an_amount_above_the_budget(now: datetime) -> None:
    batch = create_batch(terms=promo_terms(now, budget=Decimal(6000)), at=now)

    with pytest.raises(InvalidOrder, match="budget"):
        order_codes(batch_id=batch.pk, count=1, amount=Decimal(6001), nudge=False, at=now)


def test_order_refuses_blocked_and_past_batches(batch: Batch, now: datetime) -> None:
    with pytest.raises(BatchNotOpen):
        order(batch, 1, batch.expiration_date)
    block_batch(batch_id=batch.pk, reason="", at=now)
    with pytest.raises(BatchNotOpen):
        order(batch, 1, now)


@pytest.mark.django_db(transaction=True)
def test_chunk_is_one_copy_and_two_counts(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHUNK", 40)
    run = order(batch, 100, now)

    with CaptureQueriesContext(connection) as statements:
        run_generation(run_id=run.pk)

    assert_whole(run, 100)
    assert sum(statement["sql"].startswith("COPY") for statement in statements) == 3
    assert len(statements) <= 3 * 8 + 4


def test_progress_is_stored_with_every_chunk(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHUNK", 4)
    run = order(batch, 10, now)
    seen: list[tuple[int, int, int]] = []
    store = generation.store_codes

    def store_and_look(**arguments) -> None:
        row = GenerationRun.objects.get(pk=run.pk)
        seen.append((row.generated, row.batch.total_codes, PromoCode.objects.count()))
        store(**arguments)

    monkeypatch.setattr(generation, "store_codes", store_and_look)
    run_generation(run_id=run.pk)

    assert seen == [(0, 0, 0), (4, 4, 4), (8, 8, 8)]


def test_check_character_is_in_codes_from_its_day_on(batch: Batch, now: datetime, rules) -> None:
    from promos.codes import read_code

    known = rules(check_character_from=now.date() - timedelta(days=1))
    codes = make_codes(batch, 50, at=now)

    assert all(read_code(str(code), check_from=known.check_character_from) == code.code for code in codes)
    assert sum(read_code(code.code[:13] + "Z" + code.code[14:], check_from=None) is None for code in codes) == 0


# Uniqueness


def test_collision_with_a_stored_code_is_made_up_for(
    batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = make_codes(batch, 3, at=now)
    draw = generation.generate_codes
    first_draw = True

    def draw_taken_first(**arguments) -> list[str]:
        nonlocal first_draw
        codes = draw(**arguments)
        if first_draw:
            first_draw = False
            codes[:4] = [taken[0].code, taken[1].code, codes[5], codes[6]]
        return codes

    monkeypatch.setattr(generation, "generate_codes", draw_taken_first)
    run = order(batch, 50, now)
    run_generation(run_id=run.pk)

    assert_whole(run, 50)
    batch.refresh_from_db()
    assert batch.total_codes == PromoCode.objects.count() == 53


def test_tiny_alphabet_gives_all_its_codes_and_not_one_twice(batch: Batch, now: datetime, rules) -> None:
    rules(alphabet="AB")
    run = order(batch, 1024, now)

    run_generation(run_id=run.pk)

    assert_whole(run, 1024)


def test_run_fails_clearly_when_the_alphabet_is_used_up(batch: Batch, now: datetime, rules) -> None:
    rules(alphabet="AB")
    make_codes(batch, 1000, at=now)
    run = order(batch, 25, now)

    run = run_generation(run_id=run.pk)

    assert (run.status, run.generated) == ("failed", 0)
    assert run.error_message.startswith("0 of 25 codes made. No codes are left for ")
    batch.refresh_from_db()
    assert batch.total_codes == PromoCode.objects.count() == 1000
    assert actions("promo.generation")[-1] == "promo.generation.failed"
    assert run_generation(run_id=run.pk).status == "failed"


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_over_one_tiny_alphabet_share_no_code(
    batch: Batch, now: datetime, rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(alphabet="AB")
    monkeypatch.setattr(generation, "CHUNK", 50)
    runs = [order(batch, 150, now) for _ in range(2)]

    results = run_together(2, lambda number: run_generation(run_id=runs[number].pk).status)

    assert results == ["completed"] * 2
    for run in runs:
        assert_whole(run, 150)
    batch.refresh_from_db()
    assert batch.total_codes == PromoCode.objects.count() == 300


@pytest.mark.parametrize(("rings", "survives"), [(5, True), (6, False)])
def test_chunk_that_lost_a_ring_of_waiting_is_drawn_anew(
    rings: int, survives: bool, batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = order(batch, 10, now)
    store, left = generation.store_codes, [rings]

    def lose_then_store(**arguments) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("deadlock detected") from DeadlockDetected()
        store(**arguments)

    monkeypatch.setattr(generation, "store_codes", lose_then_store)

    if survives:
        run_generation(run_id=run.pk)
        assert_whole(run, 10)
    else:
        with pytest.raises(OperationalError):
            run_generation(run_id=run.pk)
        assert PromoCode.objects.count() == 0


def test_alphabet_of_all_characters_is_stored(batch: Batch, now: datetime, rules) -> None:
    rules(alphabet=CODE_CHARACTERS)
    assert len(make_codes(batch, 300, at=now)) == 300


def test_events_of_a_run_say_how_many(batch: Batch, now: datetime) -> None:
    make_codes(batch, 3, at=now)

    event = AuditEvent.objects.get(action="promo.generation.completed")
    assert event.after == {"status": "completed", "generated": 3, "requested": 3}


def test_copy_is_tried_first(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args, **kwargs) -> int:
        raise AssertionError("the slow road was taken without a collision")

    monkeypatch.setattr(code_storage, "_insert_new", never)
    assert len(make_codes(batch, 10, at=now)) == 10
