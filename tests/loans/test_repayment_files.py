"""Files of repayments: what a preview says, and that each good line is booked once, whoever dies."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from loans.models import Loan, Repayment, RepaymentFile, RepaymentFileLine
from loans.repayment_csv import UnreadableFile
from loans.services import repayment_files
from loans.services.repayment_files import apply_lines, order_application, resume_files, upload_file
from loans.tasks import apply_repayment_file, sweep_repayment_files
from tests.loans.books import approved_loan, broken, fake_world, paid_out_loan, profile_of, repay
from tests.loans.conftest import actions

pytestmark = pytest.mark.django_db

HEAD = "loan,phone,amount,rail,reference,received_at,note"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


@pytest.fixture
def later(now: datetime) -> datetime:
    return now + timedelta(days=2)


@pytest.fixture
def upload(boss: User, later: datetime) -> Callable[..., RepaymentFile]:
    def put(*lines: str) -> RepaymentFile:
        text = "\n".join([HEAD, *lines])
        return upload_file(name="friday.csv", content=text.encode(), uploaded_by=boss, at=later).file

    return put


def said(file: RepaymentFile) -> list[tuple[int, str, str]]:
    return [(line.number, line.status, line.reason) for line in file.lines.order_by("number")]


def apply(file: RepaymentFile, person: User, *, at: datetime) -> None:
    assert order_application(file_id=file.pk, applied_by=person, at=at)
    assert apply_lines(file_id=file.pk, clock=lambda: at) == 0


def test_preview_says_what_each_line_would_do(
    upload: Callable[..., RepaymentFile], loan: Loan, bob: User, now: datetime
) -> None:
    number = loan.number
    waiting = approved_loan(bob, at=now)
    booked = repay(loan, 500, at=now).repayment

    file = upload(
        f"{number},,4000,bank,T-1,2026-11-20,",
        ",0803 123 4567,5000,cash,T-2,2026-11-20,",
        f"{number},,1000,bank,T-3,2026-11-20,",
        ",0803 123 4567,1000,cash,T-4,2026-11-20,",
        f"{number},,500,bank,{booked.reference},2026-11-20,",
        f"{number},,501,bank,{booked.reference}x,2026-11-20,",
        f"{number},,400,cash,{booked.reference},2026-11-20,",
        "USS-1999-001,,1000,bank,T-5,2026-11-20,",
        f"{waiting.number},,1000,bank,T-6,2026-11-20,",
        ",08030000001,1000,bank,T-7,2026-11-20,",
        ",12,1000,bank,T-8,2026-11-20,",
        f"{number},,1000,pigeon,T-9,2026-11-20,",
        f"{number},,1000,credit,T-10,2026-11-20,",
        f"{number},,1000,bank,T-11,2999-11-20,",
        f"{number},,0.001,bank,T-12,2026-11-20,",
        f"{number},,x,bank,T-13,2026-11-20,",
    )

    assert said(file) == [
        (2, "good", f"Loan {number}: pays NGN 4,000, leaves NGN 5,500."),
        (3, "good", f"Loan {number}: pays NGN 5,000, leaves NGN 500."),
        (4, "good", f"Loan {number}: pays NGN 500, repaid in full; NGN 500 too much goes to other loans or is held."),
        (5, "bad", "The customer with this phone number owes nothing."),
        (6, "repeated", f"Booked before on loan {number}: nothing happens."),
        (7, "good", f"Loan {number}: pays NGN 0, is repaid already; NGN 501 too much goes to other loans or is held."),
        (8, "good", f"Loan {number}: pays NGN 0, is repaid already; NGN 400 too much goes to other loans or is held."),
        (9, "bad", "No loan USS-1999-001."),
        (10, "bad", f"Loan {waiting.number} was not paid out: approved, payout under way."),
        (11, "bad", "The customer with this phone number owes nothing."),
        (12, "bad", "12 is not a mobile number of NG."),
        (13, "bad", "Unknown rail 'pigeon': one of mtn_momo, bank, cash."),
        (14, "bad", "Unknown rail 'credit': one of mtn_momo, bank, cash."),
        (15, "bad", "The day of payment is in the future."),
        (16, "bad", "0.001 has more decimals than NGN has."),
        (17, "bad", "'x' is not an amount."),
    ]
    assert Repayment.objects.get() == booked
    assert actions("repayment_file") == ["repayment_file.uploaded"]


def test_reference_booked_as_other_money_is_bad(
    upload: Callable[..., RepaymentFile], loan: Loan, now: datetime
) -> None:
    repay(loan, 500, reference="T-1", at=now)
    file = upload(f"{loan.number},,501,bank,T-1,2026-11-20,")
    assert said(file) == [(2, "bad", f"This reference was booked before: NGN 500 for loan {loan.number}.")]


def test_good_lines_are_booked_once_and_bad_ones_skipped(
    upload: Callable[..., RepaymentFile], loan: Loan, boss: User, alice: User, later: datetime
) -> None:
    file = upload(
        f"{loan.number},,4000,bank,T-1,2026-11-21,Branch",
        ",0803 123 4567,5000,cash,T-2,2026-11-21,",
        "USS-1999-001,,1000,bank,T-3,2026-11-21,",
    )

    apply(file, boss, at=later)

    file.refresh_from_db()
    assert (file.status, file.applied_by, file.applied_at, file.lease_until) == ("applied", boss, later, None)
    assert list(file.lines.order_by("number").values_list("status", flat=True)) == ["booked", "booked", "bad"]
    first = Repayment.objects.get(reference="T-1")
    assert (first.amount, first.channel, first.entered_by, first.note) == (4000, "file", boss, "Branch")
    assert first.received_at.isoformat() == "2026-11-20T23:00:00+00:00"
    loan.refresh_from_db()
    assert (loan.outstanding, profile_of(alice).total_repaid) == (1000, 9000)
    assert broken() == set()


def test_same_bytes_are_one_file_and_do_nothing(loan: Loan, boss: User, later: datetime) -> None:
    content = f"{HEAD}\n{loan.number},,4000,bank,T-1,2026-11-21,\n".encode()
    first = upload_file(name="a.csv", content=content, uploaded_by=boss, at=later)
    apply(first.file, boss, at=later)

    again = upload_file(name="b.csv", content=content, uploaded_by=boss, at=later)

    assert (first.is_new, again.is_new, again.file) == (True, False, first.file)
    assert not order_application(file_id=again.file.pk, applied_by=boss, at=later)
    assert apply_lines(file_id=again.file.pk) == 0
    assert Repayment.objects.count() == 1
    assert actions("repayment_file") == ["repayment_file.uploaded", "repayment_file.applied"]


def test_same_repayments_in_another_file_are_booked_before(
    upload: Callable[..., RepaymentFile], loan: Loan, boss: User, later: datetime
) -> None:
    line = f"{loan.number},,4000,bank,T-1,2026-11-21,"
    one = upload(line)
    two = upload(line, f"{loan.number},,1,bank,T-2,2026-11-21,")
    apply(one, boss, at=later)
    apply(two, boss, at=later)
    assert [status for _number, status, _reason in said(two)] == ["repeated", "booked"]
    assert Repayment.objects.count() == 2
    assert broken() == set()


def test_line_that_turned_bad_after_the_preview_is_skipped(
    upload: Callable[..., RepaymentFile], loan: Loan, boss: User, now: datetime, later: datetime
) -> None:
    file = upload(
        ",0803 123 4567,1000,bank,T-1,2026-11-21,",
        f"{loan.number},,1000,bank,T-2,2026-11-21,",
        f"{loan.number},,1000,bank,T-3,2026-11-21,",
    )
    repay(loan, 10_000, reference="T-2", at=now)

    apply(file, boss, at=later)

    assert said(file)[:2] == [
        (2, "bad", "The customer owes nothing any more."),
        (3, "bad", f"Bank T-2 was booked before: NGN 10,000 for loan {loan.number}."),
    ]
    # A loan that is named takes the money: it is held.
    assert said(file)[2][1] == "booked"
    assert broken() == set()


def test_worker_that_dies_leaves_the_rest_to_another(
    upload: Callable[..., RepaymentFile], loan: Loan, boss: User, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = upload(*(f"{loan.number},,100,bank,T-{number},2026-11-21," for number in range(5)))
    order_application(file_id=file.pk, applied_by=boss, at=later)
    record, seen = repayment_files.record_repayment, []

    def dies_at_the_third(**content: object) -> object:
        seen.append(content["reference"])
        if len(seen) == 3:
            raise KeyboardInterrupt
        return record(**content)

    monkeypatch.setattr(repayment_files, "record_repayment", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        apply_lines(file_id=file.pk, clock=lambda: later)
    assert Repayment.objects.count() == 2

    soon, in_time = later + timedelta(seconds=30), later + timedelta(seconds=61)
    # Nobody takes it while the dead worker may be alive.
    assert (resume_files(at=soon), apply_lines(file_id=file.pk, clock=lambda: soon)) == (0, 3)
    assert resume_files(at=in_time) == 1
    assert apply_lines(file_id=file.pk, clock=lambda: in_time) == 0

    assert sorted(Repayment.objects.values_list("reference", flat=True)) == [f"T-{number}" for number in range(5)]
    assert broken() == set()


def test_tasks_are_safe_to_run_twice(
    upload: Callable[..., RepaymentFile], loan: Loan, boss: User, now: datetime
) -> None:
    file = upload(f"{loan.number},,100,bank,T-1,2020-01-01,")
    order_application(file_id=file.pk, applied_by=boss, at=now)
    for _ in range(2):
        assert apply_repayment_file(file_id=str(file.pk)) == 0
        assert sweep_repayment_files() == 0
    assert Repayment.objects.count() == 1


def test_unreadable_file_keeps_nothing(boss: User, later: datetime) -> None:
    text = f'{HEAD}\nUSS-2026-001,,4000,bank,T-1,2026-11-21,\n"broken'
    with pytest.raises(UnreadableFile):
        upload_file(name="a.csv", content=text.encode(), uploaded_by=boss, at=later)
    assert not RepaymentFile.objects.exists()
    assert not RepaymentFileLine.objects.exists()
    assert actions("repayment_file") == []


def test_preview_reads_a_thousand_lines_with_a_handful_of_statements(
    loan: Loan, boss: User, later: datetime, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    lines = [HEAD, *(f"{loan.number},,1,bank,T-{number},2026-11-21," for number in range(500))]
    lines += [f",0803 123 4567,1,cash,T-{number},2026-11-21," for number in range(500)]
    with django_assert_max_num_queries(14):  # type: ignore[attr-defined]
        file = upload_file(name="a.csv", content="\n".join(lines).encode(), uploaded_by=boss, at=later).file
    assert file.total_lines == 1000
