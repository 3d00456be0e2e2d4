"""What the database refuses, whoever asks."""

from datetime import datetime
from itertools import product

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from disbursements.models import Attempt, Disbursement
from disbursements.services.transitions import MoveNotAllowed, move, move_attempt
from disbursements.statuses import AttemptStatus, DisbursementStatus
from ledger.models import Account
from tests.disbursements.conftest import Line, request_payout
from tests.disbursements.fake_provider import World, refused

pytestmark = pytest.mark.django_db


def force(sql: str, *values: object) -> None:
    """Past triggers, as a hand in the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def put_status(disbursement: Disbursement, status: str, at: datetime) -> None:
    force(
        "UPDATE disbursements_disbursement SET status = %s, next_action_at = %s, disbursed_at = %s WHERE id = %s",
        status,
        at if status in ("queued", "processing") else None,
        at if status == "completed" else None,
        disbursement.pk,
    )


@pytest.mark.parametrize(("old", "new"), list(product(DisbursementStatus.values, repeat=2)))
@pytest.mark.usefixtures("owner")
def test_database_and_code_agree_on_moves_of_a_payout(budget: Account, now: datetime, old: str, new: str) -> None:
    disbursement = request_payout(budget, now)
    put_status(disbursement, old, now)
    disbursement.refresh_from_db()
    allowed = new == old or new in DisbursementStatus.MOVES[old]
    changes = {
        "next_action_at": now if new in ("queued", "processing") else None,
        "disbursed_at": now if new == "completed" else None,
    }

    try:
        with transaction.atomic():
            Disbursement.objects.filter(pk=disbursement.pk).update(status=new, **changes)
        by_database = True
    except ProgrammingError:
        by_database = False

    assert by_database is allowed
    if not allowed:
        with pytest.raises(MoveNotAllowed):
            move(disbursement, to=DisbursementStatus(new), **changes)


@pytest.mark.parametrize(("old", "new"), list(product(AttemptStatus.values, repeat=2)))
@pytest.mark.usefixtures("owner")
def test_database_and_code_agree_on_moves_of_an_attempt(budget: Account, now: datetime, old: str, new: str) -> None:
    disbursement = request_payout(budget, now)
    attempt = Attempt.objects.create(
        disbursement=disbursement, number=1, external_id="x", environment="e", base_url="u", status=old
    )
    allowed = new == old or new in AttemptStatus.MOVES[old]

    try:
        with transaction.atomic():
            Attempt.objects.filter(pk=attempt.pk).update(status=new)
        by_database = True
    except ProgrammingError:
        by_database = False

    assert by_database is allowed
    if not allowed:
        with pytest.raises(MoveNotAllowed):
            move_attempt(attempt, to=AttemptStatus(new))


def test_every_status_has_its_moves() -> None:
    assert set(DisbursementStatus.MOVES) == set(DisbursementStatus.values)
    assert set(AttemptStatus.MOVES) == set(AttemptStatus.values)
    assert set(DisbursementStatus.values) == DisbursementStatus.LIVE | DisbursementStatus.SETTLED


def test_second_reference_beside_one_not_refused_is_impossible(line: Line) -> None:
    line.go()

    with pytest.raises(IntegrityError, match="attempt_one_not_refused"), transaction.atomic():
        Attempt.objects.create(disbursement_id=line.id, number=2, external_id="second", environment="e", base_url="u")


def test_attempt_number_is_used_once(line: Line, world: World) -> None:
    world.next_fates = [refused("temporary")]
    line.go()
    line.go()

    with pytest.raises(IntegrityError, match="attempt_number_unique"), transaction.atomic():
        Attempt.objects.create(disbursement_id=line.id, number=1, external_id="second", environment="e", base_url="u")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE disbursements_disbursement SET amount = amount + 1",
        "UPDATE disbursements_disbursement SET payee = '+250788000000'",
        "UPDATE disbursements_disbursement SET key = 'other'",
        "UPDATE disbursements_attempt SET reference = gen_random_uuid()",
        "UPDATE disbursements_attempt SET external_id = 'other'",
        "DELETE FROM disbursements_attempt",
        "DELETE FROM disbursements_disbursement",
    ],
)
def test_what_was_asked_and_sent_is_never_changed(line: Line, statement: str) -> None:
    line.go()

    with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert len(line.attempts) == 1


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"status": "completed", "next_action_at": None}, "disbursement_paid_has_time"),
        ({"disbursed_at": timezone.now()}, "disbursement_paid_has_time"),
        ({"next_action_at": None}, "disbursement_scheduled_while_open"),
        ({"status": "failed"}, "disbursement_scheduled_while_open"),
    ],
)
def test_state_and_times_belong_together(line: Line, changes: dict[str, object], constraint: str) -> None:
    line.go()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Disbursement.objects.filter(pk=line.id).update(**changes)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [({"amount": 0}, "disbursement_amount_positive"), ({"payee": "0788123456"}, "disbursement_payee_e164")],
)
@pytest.mark.usefixtures("owner")
def test_impossible_payouts_are_refused(
    budget: Account, now: datetime, changes: dict[str, object], constraint: str
) -> None:
    row = request_payout(budget, now)
    content = {
        "key": "raw",
        "purpose": "promo",
        "payee": row.payee,
        "amount": 1,
        "currency": "RWF",
        "funded_from": budget,
        "provider": "mtn_momo",
        "next_action_at": now,
        "requested_at": now,
        "open_since": now,
    }

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Disbursement.objects.create(**content | changes)


def test_transaction_id_pays_once(line: Line, budget: Account) -> None:
    other = Line(request_payout(budget, line.at, key="other"), line.at)
    line.go()
    line.go()

    with pytest.raises(IntegrityError, match="provider_transaction_id"), transaction.atomic():
        Disbursement.objects.filter(pk=other.id).update(provider_transaction_id=line.row.provider_transaction_id)
