"""Notices of money paid in, over HTTP: stored once, answered at once, booked afterwards."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services.tokens import create_token
from loans.models import Loan, PaidInNotice, Repayment
from loans.services.paid_in import match_notice, sweep_notices
from tests.loans.books import approved_loan, broken, fake_world, paid_out_loan, repay
from tests.loans.conftest import ALICE, actions

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/momo/paid-in/"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def now() -> datetime:
    """The endpoint reads the clock."""
    return timezone.now() - timedelta(minutes=5)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


@pytest.fixture
def token() -> str:
    return make_token("loans")


def make_token(*scopes: str) -> str:
    _row, plain = create_token(
        partner_email=f"{'-'.join(scopes)}@example.com", scopes=list(scopes), created_by=None, at=timezone.now()
    )
    return plain


def body(**changes: Any) -> dict[str, Any]:
    content = {"transactionId": "778899", "msisdn": "0803 123 4567", "amount": 4000, "currency": "NGN"}
    return {name: value for name, value in (content | changes).items() if value is not ...}


def post(client: Client, token: str, content: Any, url: str = URL) -> Any:
    raw = content if isinstance(content, str | bytes) else json.dumps(content)
    return client.post(url, raw, content_type="application/json", headers={"x-api-token": token})


def look() -> None:
    """What the nudged worker does."""
    for notice in PaidInNotice.objects.filter(looked_at__isnull=True):
        match_notice(notice_id=notice.pk, at=timezone.now())


@pytest.mark.parametrize("url", [URL, URL.rstrip("/")])
def test_notice_is_answered_at_once_and_booked_to_what_is_owed(
    client: Client, token: str, loan: Loan, url: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as nudges:
        response = post(client, token, body(), url)

    assert (response.status_code, response.json()) == (202, {"status": "received", "transactionId": "778899"})
    assert len(nudges) == 1
    assert not Repayment.objects.exists()

    look()

    notice = PaidInNotice.objects.get()
    repayment = Repayment.objects.get()
    assert (notice.status, notice.repayment, notice.partner) == ("applied", repayment, "loans@example.com")
    assert (repayment.loan, repayment.amount, repayment.rail) == (loan, 4000, "mtn_momo")
    assert (repayment.reference, repayment.channel) == ("778899", "paid_in")
    assert actions("paid_in", "loan.repaid") == ["paid_in.received", "loan.repaid", "paid_in.matched"]
    assert post(client, token, body()).json()["status"] == "applied"
    assert broken() == set()


def test_repeats_store_and_book_once(client: Client, token: str, loan: Loan) -> None:
    for _ in range(3):
        assert post(client, token, body()).status_code == 202
        look()
    assert (PaidInNotice.objects.count(), Repayment.objects.count()) == (1, 1)


@pytest.mark.parametrize("changes", [{"amount": 4001}, {"msisdn": "08030000001"}, {"account": "USS-2026-9"}])
def test_same_transaction_told_otherwise_is_refused(
    client: Client, token: str, loan: Loan, changes: dict[str, Any]
) -> None:
    post(client, token, body())
    response = post(client, token, body(**changes))
    assert (response.status_code, response.json()["code"]) == (409, "NOTICE_CONFLICT")
    assert PaidInNotice.objects.get().amount == 4000


def test_payer_names_a_loan_of_another_customer(
    client: Client, token: str, loan: Loan, bob: User, now: datetime
) -> None:
    other = paid_out_loan(bob, at=now)
    post(client, token, body(account=f" {other.number.lower()} "))
    look()
    assert Repayment.objects.get().loan == other


def test_oldest_due_loan_takes_the_money(client: Client, token: str, alice: User, now: datetime) -> None:
    paid_out_loan(alice, at=now, amount=3000, days=40)
    sooner = paid_out_loan(alice, at=now, amount=3000, days=20)
    post(client, token, body(amount=100))
    look()
    assert Repayment.objects.get().loan == sooner


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"msisdn": "08030000001"}, "The payer owes nothing."),
        ({"account": "USS-1999-001"}, "No loan USS-1999-001."),
    ],
)
def test_money_without_a_loan_waits_for_a_person(
    client: Client, token: str, loan: Loan, changes: dict[str, Any], note: str
) -> None:
    post(client, token, body(**changes))
    look()
    notice = PaidInNotice.objects.get()
    assert (notice.status, notice.note) == ("unmatched", note)
    assert not Repayment.objects.exists()
    assert post(client, token, body(**changes)).json()["status"] == "unmatched"
    assert broken() == set()


def test_money_for_a_loan_not_paid_out_waits(client: Client, token: str, alice: User, now: datetime) -> None:
    waiting = approved_loan(alice, at=now)
    post(client, token, body(account=waiting.number))
    look()
    assert "has not been paid out" in PaidInNotice.objects.get().note


def test_transaction_booked_by_another_way_is_tied_to_that_repayment(
    client: Client, token: str, loan: Loan, alice: User, now: datetime
) -> None:
    """Staff entered it before the notice came: that loan has it, also when another one is due sooner by now."""
    first = repay(loan, 4000, rail="mtn_momo", reference="778899", at=now).repayment
    paid_out_loan(alice, at=now, amount=1000, days=5)
    post(client, token, body())
    look()
    assert Repayment.objects.get() == first
    assert PaidInNotice.objects.get().repayment == first
    assert broken() == set()


@pytest.mark.parametrize("changes", [{"msisdn": "08030000001"}, {"amount": 3999}])
def test_transaction_booked_as_other_money_waits(
    client: Client, token: str, loan: Loan, now: datetime, changes: dict[str, Any]
) -> None:
    repay(loan, 4000, rail="mtn_momo", reference="778899", at=now)
    post(client, token, body(**changes))
    look()
    assert PaidInNotice.objects.get().status == "unmatched"
    assert "booked" in PaidInNotice.objects.get().note


def test_notice_that_cannot_be_looked_at_holds_up_no_other(
    client: Client, token: str, loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        post(client, token, body(transactionId=f"TX-{number}", amount=1000))
    first, second = PaidInNotice.objects.order_by("reference")

    def stumble(*, notice_id: UUID, at: datetime) -> str:
        if notice_id == first.pk:
            raise RuntimeError("nobody thought of this")
        return match_notice(notice_id=notice_id, at=at)

    monkeypatch.setattr("loans.services.paid_in.match_notice", stumble)

    sweep_notices(at=second.received_at + timedelta(seconds=60))

    assert set(PaidInNotice.objects.values_list("reference", "status")) == {
        ("TX-1", "unmatched"),
        ("TX-2", "applied"),
    }


def test_lost_nudge_is_found_by_the_sweep(client: Client, token: str, loan: Loan) -> None:
    post(client, token, body())
    notice = PaidInNotice.objects.get()
    assert sweep_notices(at=notice.received_at + timedelta(seconds=14)) == 0
    assert sweep_notices(at=notice.received_at + timedelta(seconds=15)) == 1
    assert sweep_notices(at=notice.received_at + timedelta(seconds=60)) == 0
    assert Repayment.objects.get().loan == loan


@pytest.mark.parametrize(
    "paid_at", ["2020-01-01T10:00:00Z", "2020-01-01T11:00:00+01:00", None, ...], ids=["utc", "lagos", "null", "missing"]
)
def test_time_of_payment(client: Client, token: str, loan: Loan, paid_at: Any) -> None:
    assert post(client, token, body(paidAt=paid_at)).status_code == 202
    notice = PaidInNotice.objects.get()
    if isinstance(paid_at, str):
        assert notice.paid_at.isoformat() == "2020-01-01T10:00:00+00:00"
    else:
        assert notice.paid_at == notice.received_at


def test_clock_a_little_ahead_is_taken_as_now(client: Client, token: str, loan: Loan) -> None:
    ahead = (timezone.now() + timedelta(minutes=2)).isoformat()
    assert post(client, token, body(paidAt=ahead)).status_code == 202
    assert PaidInNotice.objects.get().paid_at <= timezone.now()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        b"\xff\xfe",
        "[]",
        "null",
        '"x"',
        "{}",
        body(transactionId=...),
        body(transactionId=""),
        body(transactionId="a b"),
        body(transactionId="x" * 101),
        body(transactionId="\u0000"),
        body(transactionId="\ud800"),
        body(msisdn=...),
        body(msisdn="12"),
        body(msisdn="+999788123456"),
        body(msisdn=None),
        body(amount=...),
        body(amount=0),
        body(amount=-5),
        body(amount="lots"),
        body(amount="NaN"),
        body(amount="Infinity"),
        body(amount=0.001),
        body(amount=10**13),
        body(amount=True),
        body(amount=[1]),
        body(currency=...),
        body(currency="RWF"),
        body(currency="naira"),
        body(paidAt="2999-01-01T00:00:00Z"),
        body(paidAt="yesterday"),
        body(account="x" * 21),
        body(account="\ud800"),
    ],
)
def test_bad_body_is_refused_and_nothing_is_written(client: Client, token: str, content: Any) -> None:
    response = post(client, token, content)

    assert response.status_code == 400
    assert response.json()["code"] == "INVALID_REQUEST"
    assert response.json()["message"]
    assert not PaidInNotice.objects.exists()
    assert actions("paid_in") == []


def test_token_with_the_scope_is_needed(client: Client) -> None:
    without = client.post(URL, json.dumps(body()), content_type="application/json")
    assert (without.status_code, without.json()["code"]) == (401, "UNAUTHORIZED")
    assert post(client, "0" * 96, body()).status_code == 401
    other = post(client, make_token("ussd"), body())
    assert (other.status_code, other.json()["code"]) == (403, "FORBIDDEN")
    assert client.get(URL, headers={"x-api-token": make_token("loans")}).status_code == 405
    assert not PaidInNotice.objects.exists()


def test_database_away_is_said(client: Client, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_content: Any) -> None:
        raise OperationalError

    monkeypatch.setattr("loans.api.paid_in.store_notice", away)
    response = post(client, token, body())
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert response.json()["code"] == "SERVICE_UNAVAILABLE"


def test_amount_as_mtn_writes_it(client: Client, token: str, loan: Loan) -> None:
    assert post(client, token, body(amount="4000.50")).status_code == 202
    assert PaidInNotice.objects.get().amount == Decimal("4000.50")
    assert PaidInNotice.objects.get().phone == ALICE
