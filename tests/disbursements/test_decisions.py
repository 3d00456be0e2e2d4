"""What people decide: approve, retry, cancel."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.models import AuditEvent
from disbursements.models import Disbursement
from disbursements.services.decisions import (
    MakerIsChecker,
    NotAwaitingApproval,
    NotCancellable,
    NotRetryable,
    approve_disbursement,
    cancel_disbursement,
    retry_disbursement,
)
from disbursements.statuses import ErrorClass
from ledger.models import Account
from ledger.selectors import balance_of
from tests.disbursements.conftest import Line, RememberingOwner, request_payout
from tests.disbursements.fake_provider import LOSE_REQUEST, NOT_SENT, World, refused, turn_away

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(budget: Account, now, owner: RememberingOwner, world: World, maker: User, configure) -> Line:
    configure(approval_threshold=Decimal(4000))
    return Line(request_payout(budget, now, requested_by=maker), now)


def approve(line: Line, person: User) -> None:
    approve_disbursement(disbursement_id=line.id, approved_by=person, at=line.at)


def retry(line: Line, person: User) -> None:
    retry_disbursement(disbursement_id=line.id, requested_by=person, reason="wallet opened", at=line.at)


def cancel(line: Line, person: User) -> None:
    cancel_disbursement(disbursement_id=line.id, cancelled_by=person, reason="wrong campaign", at=line.at)


def test_approved_payout_goes(waiting: Line, checker: User, world: World) -> None:
    waiting.go()
    assert world.calls == []

    approve(waiting, checker)
    approve(waiting, checker)
    waiting.go()
    waiting.go()

    assert (waiting.row.status, waiting.row.approved_by) == ("completed", checker)
    assert waiting.events == ["approved", "paid"]
    assert AuditEvent.objects.get(action="disbursement.approved").actor_label == "checker@example.com"


def test_maker_may_not_approve(waiting: Line, maker: User) -> None:
    with pytest.raises(MakerIsChecker):
        approve(waiting, maker)

    assert (waiting.row.status, waiting.row.approved_by, waiting.events) == ("awaiting_approval", None, [])


def test_payee_may_not_approve(waiting: Line, budget: Account, checker: User) -> None:
    own = Line(request_payout(budget, waiting.at, key="own", customer=checker), waiting.at)

    with pytest.raises(MakerIsChecker):
        approve(own, checker)

    assert own.row.status == "awaiting_approval"


@pytest.mark.parametrize("column", ["requested_by", "customer"])
def test_database_refuses_one_person_as_both(waiting: Line, budget: Account, checker: User, column: str) -> None:
    own = Line(request_payout(budget, waiting.at, key="own", **{column: checker}), waiting.at)

    with pytest.raises(IntegrityError, match=r"maker_not_checker|payee_not_checker"), transaction.atomic():
        Disbursement.objects.filter(pk=own.id).update(approved_by=checker)


def test_what_does_not_wait_cannot_be_approved(line: Line, checker: User) -> None:
    with pytest.raises(NotAwaitingApproval):
        approve(line, checker)

    assert (line.row.approved_by, line.events) == (None, [])


def test_failed_payout_is_retried_with_a_new_reserve(
    line: Line, world: World, owner: RememberingOwner, checker: User, budget: Account
) -> None:
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    line.go()
    line.go()
    assert line.row.status == "failed"

    retry(line, checker)
    retry(line, checker)
    assert (line.row.status, line.row.tries, line.row.reserve_number) == ("queued", 0, 2)
    line.go()
    line.go()

    assert [attempt.status for attempt in line.attempts] == ["refused", "succeeded"]
    assert (line.row.status, line.events) == ("completed", ["failed", "retried", "paid"])
    assert (owner.heard, balance_of(budget)) == (["failed", "retried", "paid"], Decimal(5000))


def test_retry_asks_first_when_a_reference_may_be_known(line: Line, world: World, checker: User) -> None:
    world.sends = [LOSE_REQUEST, turn_away(ErrorClass.PERMANENT)]
    while line.row.status != "failed":
        line.go()
    calls = len(world.calls)
    # It turns out that the first request had arrived after all.
    transfer_key = (line.attempt.base_url, line.attempt.environment, line.attempt.pk)
    world.sends = []
    world.book[transfer_key] = _transfer(line)

    retry(line, checker)
    line.go()

    assert world.calls[calls:] == ["ask"]
    assert (line.row.status, len(line.attempts), len(world.paid())) == ("completed", 1, 1)


def test_retry_of_a_reference_that_failed_mints_another(line: Line, world: World, checker: User) -> None:
    world.sends = [turn_away(ErrorClass.PERMANENT)]
    line.go()
    world.asks = [refused(ErrorClass.TEMPORARY)]

    retry(line, checker)
    line.go()
    assert (line.row.status, line.row.wait_reason) == ("queued", "retry")
    line.go()
    line.go()

    assert [attempt.status for attempt in line.attempts] == ["refused", "succeeded"]


def test_only_failed_payouts_are_retried(line: Line, checker: User) -> None:
    line.go()
    retry(line, checker)
    assert (line.row.status, line.events) == ("processing", [])
    line.go()

    with pytest.raises(NotRetryable):
        retry(line, checker)

    assert (line.row.status, line.events) == ("completed", ["paid"])


def test_cancel_before_anything_was_sent(
    line: Line, world: World, owner: RememberingOwner, checker: User, budget: Account
) -> None:
    cancel(line, checker)
    cancel(line, checker)
    line.go()

    assert (line.row.status, line.events, owner.heard) == ("cancelled", ["cancelled"], ["cancelled"])
    assert (balance_of(budget), world.calls) == (0, [])


def test_cancel_while_waiting_for_approval(waiting: Line, checker: User) -> None:
    cancel(waiting, checker)

    assert waiting.row.status == "cancelled"
    with pytest.raises(NotAwaitingApproval):
        approve(waiting, checker)


def test_cancel_between_tries_that_were_refused_for_certain(line: Line, world: World, checker: User) -> None:
    world.next_fates = [refused(ErrorClass.TEMPORARY)]
    line.go()
    line.go()

    cancel(line, checker)

    assert line.row.status == "cancelled"


@pytest.mark.parametrize("script", [LOSE_REQUEST, turn_away(ErrorClass.TEMPORARY)])
def test_cancel_after_a_reference_was_handed_over_is_refused(
    line: Line, world: World, checker: User, script: object
) -> None:
    world.sends = [script]
    line.go()
    status = line.row.status

    with pytest.raises(NotCancellable):
        cancel(line, checker)

    assert (line.row.status, "cancelled" in line.events) == (status, False)


def test_cancel_of_what_never_left_closes_its_reference(
    line: Line, world: World, owner: RememberingOwner, checker: User, budget: Account
) -> None:
    world.sends = [NOT_SENT]
    line.go()
    assert line.attempt.is_unsent

    cancel(line, checker)
    line.wait(hours=1)
    line.go()

    assert (line.row.status, line.attempt.status, owner.heard) == ("cancelled", "refused", ["cancelled"])
    assert (balance_of(budget), world.calls) == (0, ["send"])


@pytest.mark.parametrize("fate", ["completed", "failed"])
def test_cancel_of_a_settled_payout_is_refused(line: Line, world: World, checker: User, fate: str) -> None:
    world.next_fates = [refused(ErrorClass.PERMANENT)] if fate == "failed" else []
    line.go()
    line.go()

    with pytest.raises(NotCancellable):
        cancel(line, checker)

    assert line.row.status == fate


def _transfer(line: Line):
    from disbursements.providers.base import Transfer

    return Transfer(
        reference=line.attempt.pk,
        external_id=line.attempt.external_id,
        payee=line.row.payee,
        amount=line.row.amount,
        currency=line.row.currency,
        payer_message="",
        payee_note="",
    )
