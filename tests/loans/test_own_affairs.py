"""Nobody in the back office decides about money of their own, by any route."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from loans.models import Loan, PaidInNotice, Repayment
from loans.services.paid_in import match_to_loan, store_notice
from loans.services.repayment_files import apply_lines, order_application, upload_file
from loans.services.repayments import InvalidRepayment
from loans.services.reversals import NotReversible, reverse_repayment
from loans.services.staff_loans import NotLendable, approve_loan, create_loan, disburse_loan
from tests.loans.books import fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import ALICE, BOB

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    """Of Alice, who works here."""
    return paid_out_loan(alice, at=now)


def test_entering_a_repayment(alice: User, loan: Loan, now: datetime) -> None:
    with pytest.raises(InvalidRepayment, match="your own loan"):
        repay(loan, 10_000, at=now, entered_by=alice)

    assert not Repayment.objects.exists()


def test_applying_a_file(alice: User, boss: User, loan: Loan, now: datetime) -> None:
    text = f"loan,amount,rail,reference,received_at\n{loan.number},10000,cash,R-1,2026-11-19\n"
    file = upload_file(name="a.csv", content=text.encode(), uploaded_by=boss, at=now).file
    order_application(file_id=file.pk, applied_by=alice, at=now)

    apply_lines(file_id=file.pk, clock=lambda: now)

    line = file.lines.get()
    assert (line.status, line.reason) == ("bad", "Another person must book repayments of your own loan.")
    assert not Repayment.objects.exists()


def test_uploading_a_file_that_somebody_else_applies(alice: User, boss: User, loan: Loan, now: datetime) -> None:
    """Two people have looked at it then."""
    text = f"loan,amount,rail,reference,received_at\n{loan.number},10000,cash,R-1,2026-11-19\n"
    file = upload_file(name="a.csv", content=text.encode(), uploaded_by=alice, at=now).file
    order_application(file_id=file.pk, applied_by=boss, at=now)

    assert apply_lines(file_id=file.pk, clock=lambda: now) == 0
    assert file.lines.get().status == "booked"


def test_matching_somebody_elses_money(alice: User, loan: Loan, now: datetime) -> None:
    notice = store_notice(
        rail="mtn_momo",
        reference="77",
        phone=BOB,
        amount=Decimal(10_000),
        currency="NGN",
        loan_number="",
        partner="p",
        paid_at=now,
        at=now,
    ).notice

    with pytest.raises(InvalidRepayment, match="your own loan"):
        match_to_loan(notice_id=notice.pk, loan_id=loan.pk, matched_by=alice, reason="Mine", at=now)

    assert PaidInNotice.objects.get().status == "unmatched"


def test_taking_a_repayment_back(alice: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 10_000, at=now).repayment

    with pytest.raises(NotReversible, match="your own loan"):
        reverse_repayment(repayment_id=repayment.pk, reversed_by=alice, reason="Oops", at=now)

    assert profile_of(alice).outstanding == 0


def test_staff_lend_nothing_to_a_deactivated_customer(alice: User, boss: User, now: datetime) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(NotLendable, match="deactivated"):
        create_loan(phone=ALICE, amount=Decimal(5000), note="", created_by=boss, key="k", at=now)

    assert not Loan.objects.exists()


def test_customer_deactivated_between_the_steps_gets_no_money(
    alice: User, bob: User, boss: User, now: datetime
) -> None:
    loan = create_loan(phone=ALICE, amount=Decimal(5000), note="", created_by=boss, key="k", at=now)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(NotLendable, match="deactivated"):
        approve_loan(loan_id=loan.pk, approved_by=bob, at=now)

    User.objects.filter(pk=alice.pk).update(is_active=True)
    approve_loan(loan_id=loan.pk, approved_by=bob, at=now)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    with pytest.raises(NotLendable, match="deactivated"):
        disburse_loan(loan_id=loan.pk, disbursed_by=boss, at=now + timedelta(minutes=1))
    loan.refresh_from_db()
    assert loan.disbursement_id is None
