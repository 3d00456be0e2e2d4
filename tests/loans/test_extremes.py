"""Values at the edge of what columns, dates and letters hold: refused with words, never stored half, never a 500."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from loans.models import Loan, PaidInNotice, Repayment, RepaymentFile, RepaymentFileLine
from loans.services.paid_in import store_notice, sweep_notices
from loans.services.repayment_files import apply_lines, order_application, upload_file
from loans.services.repayments import InvalidRepayment
from tests.loans.books import broken, fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import ALICE
from tests.loans.test_paid_in import body, make_token, post

pytestmark = pytest.mark.django_db

HEAD = "loan,phone,amount,rail,reference,received_at,note"
LARGEST = "999999999999"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def now() -> datetime:
    """The pages and the endpoint read the clock."""
    return timezone.now() - timedelta(hours=1)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


@pytest.fixture
def upload(boss: User, now: datetime) -> Callable[..., RepaymentFile]:
    def put(*lines: str) -> RepaymentFile:
        text = "\n".join([HEAD, *lines])
        return upload_file(name="odd.csv", content=text.encode(), uploaded_by=boss, at=now).file

    return put


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{number},,500,bank,R-1,0001-01-01,", "not of our time"),
        ("{number},,500,bank,R-1,01/01/1999,", "not of our time"),
        ("{number},,500,bank,R-1,9999-12-31T23:59:59-10:00,", "not of our time"),
        ("{number},,999999999999.999,bank,R-1,2025-11-20,", "too large"),
        ("ßßßßßßßßßßßßßßßßßßßß,,500,bank,R-1,2025-11-20,", "Loan is longer than 20"),
        ("{number},,500,İİİİİİİİİİİİ,R-1,2025-11-20,", "Rail is longer than 12"),
    ],
    ids=[
        "year 1",
        "last century",
        "year 10000 in UTC",
        "rounded too large",
        "letters that grow",
        "letters that grow in lower",
    ],
)
def test_line_that_no_column_takes_is_bad_and_its_file_stays_readable(
    upload: Callable[..., RepaymentFile], office: Client, loan: Loan, line: str, said: str
) -> None:
    file = upload(line.format(number=loan.number), f"{loan.number},,500,bank,R-2,2025-11-20,")

    bad, good = RepaymentFileLine.objects.filter(file=file).order_by("number")
    assert (bad.status, good.status) == ("bad", "good")
    assert said in bad.reason
    assert office.get(reverse("admin:loans_repaymentfile_change", args=[file.pk])).status_code == 200


def test_file_whose_amounts_no_column_takes_is_applied_to_its_end(
    upload: Callable[..., RepaymentFile], boss: User, alice: User, loan: Loan, now: datetime
) -> None:
    file = upload(
        *(f"{loan.number},,{LARGEST},bank,R-{n},2025-11-20," for n in (1, 2)), f"{loan.number},,5,bank,R-3,2025-11-20,"
    )

    order_application(file_id=file.pk, applied_by=boss, at=now)

    assert apply_lines(file_id=file.pk, clock=lambda: now) == 0
    assert [line.status for line in file.lines.order_by("number")] == ["booked", "bad", "booked"]
    assert profile_of(alice).overpaid == int(LARGEST) - 10_000 + 5
    assert broken() == set()


def test_notice_that_no_column_takes_waits_and_holds_up_nobody(
    alice: User, bob: User, loan: Loan, now: datetime
) -> None:
    his = paid_out_loan(bob, at=now)
    for reference, phone, amount in (("1", ALICE, LARGEST), ("2", ALICE, LARGEST), ("3", his.phone, "500")):
        store_notice(
            rail="mtn_momo",
            reference=reference,
            phone=phone,
            amount=Decimal(amount),
            currency="NGN",
            loan_number="" if reference == "3" else loan.number,
            partner="p",
            paid_at=now,
            at=now,
        )

    assert sweep_notices(at=now + timedelta(minutes=1)) == 3
    assert [n.status for n in PaidInNotice.objects.order_by("reference")] == ["applied", "unmatched", "applied"]
    assert broken() == set()


@pytest.mark.parametrize("received_at", [datetime(1, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, tzinfo=UTC)])
def test_repayment_of_another_age_is_refused(loan: Loan, now: datetime, received_at: datetime) -> None:
    with pytest.raises(InvalidRepayment, match="this century"):
        repay(loan, 500, at=now, received_at=received_at)

    assert not Repayment.objects.exists()


def test_dialog_refuses_a_payment_of_the_year_one(office: Client, loan: Loan) -> None:
    url = reverse("admin:loans_loan_repay", args=[loan.pk])
    values = {"rail": "cash", "reference": "R-1", "amount": "500", "received_at": "0001-01-01T00:00"}

    office.post(url, {"_form_submitted": "on", **values})

    assert not Repayment.objects.exists()
    assert office.get(reverse("admin:loans_loan_change", args=[loan.pk])).status_code == 200


@pytest.mark.parametrize(
    "odd",
    [
        {"account": "ß" * 20},
        {"account": "ŉ" * 20},
        {"paidAt": "0001-01-01T00:00:00Z"},
        {"paidAt": "0001-01-01T00:00:00+14:00"},
        {"paidAt": "9999-12-31T23:59:59-14:00"},
        {"account": "\ud800"},
        {"account": "a\u0000b"},
        {"msisdn": "\ud800"},
        {"amount": "1e400"},
        {"amount": "NaN"},
        {"amount": 1e308},
        {"amount": [1]},
        {"amount": {"a": 1}},
        {"amount": True},
        {"transactionId": True},
        {"currency": "ŉ" * 3},
        {"currency": {}},
        {"paidAt": 5},
    ],
    ids=str,
)
def test_odd_notices_are_refused(client: Client, loan: Loan, odd: dict[str, Any]) -> None:
    response = post(client, make_token("loans"), body(**odd))

    assert response.status_code == 400, response.content
    assert not PaidInNotice.objects.exists()
