"""Asking for a payout: once per key, reserved and audited in the same transaction."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import transaction

from audit.models import AuditEvent
from disbursements.models import Disbursement
from disbursements.owners import UnknownPurpose
from disbursements.services import requests
from disbursements.services.requests import AmountOutOfRange, CurrencyNotPaid, DisbursementConflict, InvalidDisbursement
from ledger.models import Account, Posting
from ledger.selectors import balance_of
from ledger.services import NotInTransaction, open_account, open_in_flight_account
from ledger.statuses import AccountKind
from tests.disbursements.conftest import RememberingOwner, payout_content, request_payout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("owner")]


@pytest.fixture
def threshold(configure: Callable[..., object]) -> None:
    configure(approval_threshold=Decimal(5000))


def test_request_queues_reserves_and_audits(budget: Account, now: datetime) -> None:
    disbursement = request_payout(budget, now)

    stored = Disbursement.objects.get()
    assert (stored.pk, stored.status, stored.next_action_at) == (disbursement.pk, "queued", now)
    assert balance_of(budget) == Decimal(5000)
    assert balance_of(open_in_flight_account(currency="RWF")) == Decimal(-5000)
    event = AuditEvent.objects.get()
    assert (event.action, event.target_id) == ("disbursement.requested", str(stored.pk))


@pytest.mark.django_db(transaction=True)
def test_request_costs_four_statements(budget: Account, now: datetime, django_assert_num_queries) -> None:
    request_payout(budget, now, key="first")

    with transaction.atomic(), django_assert_num_queries(4):
        requests.request_disbursement(**payout_content(budget, now, key="second"))


def test_same_key_and_content_gives_the_first_payout(budget: Account, now: datetime) -> None:
    first = request_payout(budget, now)

    assert request_payout(budget, now) == first
    assert (Disbursement.objects.count(), Posting.objects.count(), AuditEvent.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("change", [{"amount": Decimal(5001)}, {"payee": "+250788123457"}])
def test_same_key_with_other_content_is_refused(budget: Account, now: datetime, change: dict[str, object]) -> None:
    request_payout(budget, now)

    with pytest.raises(DisbursementConflict):
        request_payout(budget, now, **change)

    assert (Disbursement.objects.count(), Posting.objects.count(), AuditEvent.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": Decimal(0)}, InvalidDisbursement),
        ({"amount": Decimal(-5)}, InvalidDisbursement),
        ({"amount": Decimal("5.5")}, InvalidDisbursement),
        ({"amount": Decimal("NaN")}, InvalidDisbursement),
        ({"payee": "0788123456"}, InvalidDisbursement),
        ({"payee": "+0788123456"}, InvalidDisbursement),
        ({"currency": "EUR"}, CurrencyNotPaid),
        ({"amount": Decimal(5_000_001)}, AmountOutOfRange),
        ({"purpose": "gift"}, UnknownPurpose),
    ],
)
def test_bad_requests_are_refused_and_leave_nothing(
    budget: Account, now: datetime, change: dict[str, object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        request_payout(budget, now, **change)

    assert (Disbursement.objects.count(), Posting.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


@pytest.fixture
def euros() -> Account:
    return open_account(code="euros", kind=AccountKind.EXPENSE, currency="EUR", name="Euros")


@pytest.mark.parametrize("amount", [Decimal(5000), Decimal("12.50")])
def test_currency_our_float_is_not_kept_in_is_refused(euros: Account, now: datetime, amount: Decimal) -> None:
    with pytest.raises(CurrencyNotPaid, match="made in NGN and RWF, not in EUR"):
        request_payout(euros, now, currency="EUR", amount=amount)

    assert Disbursement.objects.count() == 0


def test_funding_account_of_another_currency_is_refused(euros: Account, now: datetime) -> None:

    with pytest.raises(InvalidDisbursement):
        request_payout(euros, now)


@pytest.mark.django_db(transaction=True)
def test_request_outside_a_transaction_is_refused(budget: Account, now: datetime) -> None:
    with pytest.raises(NotInTransaction):
        requests.request_disbursement(**payout_content(budget, now))

    assert Disbursement.objects.count() == 0


@pytest.mark.usefixtures("threshold")
def test_payout_above_the_threshold_waits_for_a_second_person(
    budget: Account, now: datetime, owner: RememberingOwner
) -> None:
    waiting = request_payout(budget, now, amount=Decimal(5001), key="above")
    going = request_payout(budget, now, amount=Decimal(5000), key="at")

    assert (waiting.status, waiting.next_action_at) == ("awaiting_approval", None)
    assert (going.status, going.next_action_at) == ("queued", now)
    assert owner.heard == []
