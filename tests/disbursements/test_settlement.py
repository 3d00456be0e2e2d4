"""Settling: once, only what was asked for, and truthfully when the truth comes late."""

from decimal import Decimal

import pytest

from disbursements.models import Disbursement
from disbursements.providers.base import Answer, Outcome
from disbursements.services.alarms import clear_alarm
from disbursements.services.asking import record_ask
from disbursements.services.settlement import settle_paid, settle_refused
from disbursements.statuses import ErrorClass
from ledger.models import Account, Posting
from ledger.selectors import balance_of
from ledger.services import open_float_account
from tests.disbursements.conftest import Line, RememberingOwner, request_payout
from tests.disbursements.fake_provider import World, paid, refused, turn_away

pytestmark = pytest.mark.django_db


def report_of(line: Line, world: World, **changes: object) -> Outcome:
    return paid(next(transfer for key, transfer in world.book.items() if key[2] == line.attempt.pk), **changes)


def test_second_report_settles_nothing(line: Line, world: World, owner: RememberingOwner) -> None:
    line.go()
    report = report_of(line, world)

    assert settle_paid(attempt=line.attempt, outcome=report, at=line.at) is True
    assert settle_paid(attempt=line.attempt, outcome=report, at=line.at) is False

    assert (owner.heard, line.events, Posting.objects.count()) == (["paid"], ["paid"], 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal(50000)},
        {"currency": "EUR"},
        {"payee": "+250788999999"},
    ],
)
def test_report_of_something_else_settles_nothing_and_calls_a_person(
    line: Line, world: World, owner: RememberingOwner, changes: dict[str, object]
) -> None:
    world.asks = [Outcome(Answer.PAID, **{"amount": Decimal(5000), "transaction_id": "T-1", **changes})] * 2
    line.go()
    line.go()
    line.go()

    assert (line.row.status, line.row.alarm, line.attempt.status) == ("processing", "mismatch", "accepted")
    assert (line.row.next_action_at - line.at).total_seconds() == 3600
    assert (owner.heard, line.events) == ([], ["alarm_raised"])


def test_report_without_amount_and_payee_is_enough(line: Line, world: World) -> None:
    world.asks = [Outcome(Answer.PAID, transaction_id="T-1")]
    line.go()
    line.go()

    assert line.row.status == "completed"


def test_transaction_that_paid_something_else_settles_nothing(line: Line, world: World, budget: Account) -> None:
    other = Line(request_payout(budget, line.at, key="other"), line.at)
    line.go()
    line.go()
    other.go()
    world.asks = [report_of(other, world, transaction_id=line.row.provider_transaction_id)]
    other.go()

    assert (other.row.status, other.row.alarm) == ("processing", "mismatch")


def test_failed_report_about_a_paid_attempt_changes_nothing_and_calls_a_person(line: Line, world: World) -> None:
    line.go()
    line.go()

    assert (
        settle_refused(attempt=line.attempt, outcome=refused(ErrorClass.PERMANENT), balance=None, at=line.at) is False
    )

    assert (line.row.status, line.attempt.status, line.row.alarm) == ("completed", "succeeded", "contradiction")
    assert line.events == ["paid", "alarm_raised"]


def test_paid_report_about_a_refused_attempt_changes_nothing_and_calls_a_person(line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    line.go()
    report = report_of(line, world)
    line.go()

    assert settle_paid(attempt=line.attempt, outcome=report, at=line.at) is False

    assert (line.row.status, line.attempt.status, line.row.alarm) == ("failed", "refused", "contradiction")


def test_found_paid_after_it_was_given_up(line: Line, world: World, owner: RememberingOwner, budget: Account) -> None:
    world.sends = [turn_away(ErrorClass.PERMANENT)]
    line.go()
    assert (line.row.status, balance_of(budget)) == ("failed", 0)

    report = Outcome(Answer.PAID, transaction_id="T-1", amount=Decimal(5000))
    assert record_ask(attempt=line.attempt, outcome=report, balance=None, at=line.at) is True

    assert (line.row.status, line.row.alarm, line.row.reserve_number) == ("completed", "paid_after_failure", 2)
    assert balance_of(budget) == Decimal(5000)
    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(-5000)
    assert owner.heard == ["failed", "paid"]
    assert line.events == ["failed", "paid_after_failure", "alarm_raised"]


@pytest.mark.django_db(transaction=True)
def test_owner_that_raises_rolls_the_settlement_back(line: Line, owner: RememberingOwner) -> None:
    line.go()

    def explode(disbursement: Disbursement, at: object) -> None:
        raise RuntimeError("owner")

    hear, owner.on_paid = owner.on_paid, explode
    with pytest.raises(RuntimeError, match="owner"):
        line.go()
    assert (line.row.status, line.attempt.status, Posting.objects.count()) == ("processing", "accepted", 1)

    owner.on_paid = hear
    line.go()
    assert (line.row.status, owner.heard, line.events) == ("completed", ["paid"], ["paid"])


def test_alarm_stays_until_a_person_clears_it(line: Line, world: World, checker) -> None:
    world.next_fates = [refused(ErrorClass.CONFIGURATION)]
    line.go()
    line.go()

    for _ in range(2):
        clear_alarm(disbursement_id=line.id, cleared_by=checker, reason="key mended", at=line.at)

    assert (line.row.alarm, line.events) == ("", ["failed", "alarm_raised", "alarm_cleared"])
