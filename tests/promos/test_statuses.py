"""Statuses follow dates and redemptions; people block and unblock."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from audit.models import AuditEvent
from promos.models import Batch, PromoCode
from promos.services import upkeep
from promos.services.batch_status import BatchMoveRefused, block_batch, unblock_batch
from promos.services.batches import create_batch, update_batch
from promos.services.codes import CodesChanged, TooManyCodes, block_codes, report_codes, unblock_codes
from promos.services.generation import order_codes
from promos.services.upkeep import keep_up
from promos.statuses import BatchStatus, CodeStatus, RedemptionStatus, RunStatus
from promos.tasks import expire_due
from tests.promos.conftest import actions, make_codes, promo_terms, redeem

pytestmark = pytest.mark.django_db

NOTHING = {"batches_expired": 0, "codes_expired": 0, "codes_revived": 0, "batches_completed": 0}


def statuses(batch: Batch) -> tuple[str, list[str]]:
    batch.refresh_from_db()
    return batch.status, list(batch.codes.order_by("id").values_list("status", flat=True))


@pytest.mark.parametrize("vocabulary", [BatchStatus, CodeStatus, RedemptionStatus, RunStatus])
def test_every_status_has_its_moves(vocabulary) -> None:
    assert set(vocabulary.MOVES) == set(vocabulary.values)
    assert set().union(*vocabulary.MOVES.values()) <= set(vocabulary.values)


def test_upkeep_expires_batch_and_codes_after_date_and_grace(batch: Batch, now: datetime, rules) -> None:
    rules(grace_period_hours=3)
    make_codes(batch, 2, at=now)
    date_over = batch.expiration_date
    assert keep_up(at=date_over + timedelta(hours=3, microseconds=-1)) == NOTHING
    assert statuses(batch) == ("active", ["active", "active"])

    assert keep_up(at=date_over + timedelta(hours=3)) == {**NOTHING, "batches_expired": 1, "codes_expired": 2}

    assert statuses(batch) == ("expired", ["expired", "expired"])
    assert keep_up(at=date_over + timedelta(hours=3)) == NOTHING
    assert actions("promo.batch.expired") == ["promo.batch.expired"]
    assert AuditEvent.objects.get(action="promo.codes.expired").after == {"codes": 2, "status": "expired"}


def test_upkeep_works_in_chunks(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    make_codes(batch, 7, at=now)
    monkeypatch.setattr(upkeep, "CHUNK", 3)

    assert keep_up(at=batch.expiration_date)["codes_expired"] == 7

    counts = [event.after["codes"] for event in AuditEvent.objects.filter(action="promo.codes.expired").order_by("id")]
    assert counts == [3, 3, 1]


def test_upkeep_leaves_used_blocked_and_reported_codes(alice: User, batch: Batch, now: datetime) -> None:
    used, blocked, reported, _plain = make_codes(batch, 4, at=now)
    redeem(alice, used, at=now)
    block_codes(code_ids=[blocked.pk], reason="x", at=now)
    report_codes(code_ids=[reported.pk], reason="x", at=now)

    keep_up(at=batch.expiration_date)

    assert statuses(batch) == ("expired", ["used", "blocked", "reported", "expired"])


def test_upkeep_expires_codes_by_their_own_date(batch: Batch, now: datetime) -> None:
    early, late = make_codes(batch, 2, at=now)
    PromoCode.objects.filter(pk=early.pk).update(expires_at=now + timedelta(days=1))
    PromoCode.objects.filter(pk=late.pk).update(expires_at=batch.expiration_date + timedelta(days=1))

    assert keep_up(at=now + timedelta(days=1))["codes_expired"] == 1
    assert statuses(batch) == ("active", ["expired", "active"])

    keep_up(at=batch.expiration_date)
    assert statuses(batch) == ("expired", ["expired", "active"])


def test_later_date_revives_an_expired_batch_and_its_codes(alice: User, batch: Batch, now: datetime) -> None:
    codes = make_codes(batch, 2, at=now)
    over = batch.expiration_date
    keep_up(at=over)

    update_batch(batch_id=batch.pk, terms=promo_terms(now, expiration_date=over + timedelta(days=5)), at=over)
    assert statuses(batch)[0] == "active"
    assert keep_up(at=over) == {**NOTHING, "codes_revived": 2}

    assert statuses(batch) == ("active", ["active", "active"])
    assert redeem(alice, codes[0], at=over).outcome == "REDEEMED"


def test_upkeep_completes_a_batch_with_nothing_left(alice: User, batch: Batch, now: datetime) -> None:
    first, second = make_codes(batch, 2, at=now)
    redeem(alice, first, at=now)
    assert keep_up(at=now) == NOTHING
    redeem(alice, second, at=now)

    assert keep_up(at=now) == {**NOTHING, "batches_completed": 1}

    assert statuses(batch)[0] == "completed"
    assert keep_up(at=now) == NOTHING


def test_upkeep_leaves_empty_batches_and_those_being_filled(alice: User, batch: Batch, now: datetime) -> None:
    assert keep_up(at=now) == NOTHING
    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)
    order_codes(batch_id=batch.pk, count=5, nudge=False, at=now)

    assert keep_up(at=now) == NOTHING
    assert statuses(batch)[0] == "active"


def test_completed_batch_is_active_again_with_more_codes(alice: User, batch: Batch, now: datetime) -> None:
    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)
    keep_up(at=now)

    code = make_codes(batch, 1, at=now)[0]

    assert statuses(batch)[0] == "active"
    assert redeem(alice, code, at=now).outcome == "REDEEMED"
    assert actions("promo.batch") == ["promo.batch.created", "promo.batch.completed", "promo.batch.reopened"]


def test_block_and_unblock_batch(batch: Batch, now: datetime) -> None:
    make_codes(batch, 1, at=now)

    block_batch(batch_id=batch.pk, reason="Stolen", at=now)
    assert statuses(batch) == ("blocked", ["active"])
    with pytest.raises(BatchMoveRefused):
        block_batch(batch_id=batch.pk, reason="Stolen", at=now)

    unblock_batch(batch_id=batch.pk, reason="Found", at=now)
    assert statuses(batch) == ("active", ["active"])
    with pytest.raises(BatchMoveRefused):
        unblock_batch(batch_id=batch.pk, reason="Found", at=now)
    events = AuditEvent.objects.filter(action__contains="blocked").order_by("id")
    assert [(event.action, event.reason) for event in events] == [
        ("promo.batch.blocked", "Stolen"),
        ("promo.batch.unblocked", "Found"),
    ]


def test_unblock_gives_a_batch_what_dates_and_codes_make_of_it(alice: User, batch: Batch, now: datetime) -> None:
    block_batch(batch_id=batch.pk, reason="", at=now)
    assert unblock_batch(batch_id=batch.pk, reason="", at=now).status == "active"

    redeem(alice, make_codes(batch, 1, at=now)[0], at=now)
    block_batch(batch_id=batch.pk, reason="", at=now)
    assert unblock_batch(batch_id=batch.pk, reason="", at=now).status == "completed"

    block_batch(batch_id=batch.pk, reason="", at=now)
    assert unblock_batch(batch_id=batch.pk, reason="", at=batch.expiration_date).status == "expired"


def test_unblock_batch_whose_date_was_moved_while_blocked_finds_its_expired_codes(batch: Batch, now: datetime) -> None:
    make_codes(batch, 1, at=now)
    over = batch.expiration_date
    keep_up(at=over)
    block_batch(batch_id=batch.pk, reason="", at=over)
    update_batch(batch_id=batch.pk, terms=promo_terms(now, expiration_date=over + timedelta(days=5)), at=over)

    assert unblock_batch(batch_id=batch.pk, reason="", at=over).status == "active"
    keep_up(at=over)

    assert statuses(batch) == ("active", ["active"])


def test_codes_are_blocked_reported_and_unblocked(batch: Batch, now: datetime) -> None:
    first, second = make_codes(batch, 2, at=now)

    assert block_codes(code_ids=[first.pk], reason="Seen online", at=now) == CodesChanged(changed=1, left=0)
    assert report_codes(code_ids=[second.pk], reason="Seen online", at=now) == CodesChanged(changed=1, left=0)
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.status, first.blocked_at, second.status, second.reported_at) == ("blocked", now, "reported", now)

    assert unblock_codes(code_ids=[first.pk, second.pk], reason="Mistake", at=now) == CodesChanged(changed=2, left=0)
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.status, first.blocked_at, second.status, second.reported_at) == ("active", None, "active", None)
    assert actions("promo.code.") == [
        "promo.code.blocked",
        "promo.code.reported",
        "promo.code.unblocked",
        "promo.code.unblocked",
    ]


def test_used_codes_cannot_be_blocked(alice: User, batch: Batch, now: datetime) -> None:
    used, free = make_codes(batch, 2, at=now)
    redeem(alice, used, at=now)

    assert block_codes(code_ids=[used.pk, free.pk], reason="", at=now) == CodesChanged(changed=1, left=1)
    assert report_codes(code_ids=[used.pk], reason="", at=now) == CodesChanged(changed=0, left=1)
    assert unblock_codes(code_ids=[used.pk], reason="", at=now) == CodesChanged(changed=0, left=1)
    used.refresh_from_db()
    assert (used.status, used.blocked_at, used.reported_at) == ("used", None, None)


def test_unblocked_code_whose_date_is_over_is_expired(batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    block_codes(code_ids=[code.pk], reason="", at=now)

    unblock_codes(code_ids=[code.pk], reason="", at=batch.expiration_date)

    assert statuses(batch)[1] == ["expired"]


def test_unblocked_code_reopens_its_completed_batch(batch: Batch, now: datetime) -> None:
    code = make_codes(batch, 1, at=now)[0]
    block_codes(code_ids=[code.pk], reason="", at=now)
    keep_up(at=now)
    assert statuses(batch)[0] == "completed"

    unblock_codes(code_ids=[code.pk], reason="", at=now)

    assert statuses(batch) == ("active", ["active"])


def test_too_many_codes_at_once_are_refused(batch: Batch, now: datetime) -> None:
    with pytest.raises(TooManyCodes):
        block_codes(code_ids=list(range(1001)), reason="", at=now)


@pytest.mark.parametrize("change", [{"status": "active"}, {"status": "expired"}, {"amount": 9999}, {"code": "Z" * 16}])
def test_database_refuses_to_bring_a_used_code_back_or_change_its_money(
    change: dict[str, object], alice: User, batch: Batch, now: datetime
) -> None:
    used = make_codes(batch, 1, at=now)[0]
    redeem(alice, used, at=now)

    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        PromoCode.objects.filter(pk=used.pk).update(**change)


def test_expire_due_task_may_run_twice(batch: Batch) -> None:
    old = batch.created_at - timedelta(days=400)
    stale = create_batch(terms=promo_terms(old, name="Stale", amount_per_code=Decimal(1)), at=old)
    make_codes(stale, 2, at=old)

    assert expire_due() == {**NOTHING, "batches_expired": 1, "codes_expired": 2}
    assert expire_due() == NOTHING
