"""Repayments, money paid in, files and the steps of a loan, from the back office: each by its own permission."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from loans.models import Loan, PaidInNotice, Repayment, RepaymentFile
from loans.services.paid_in import match_notice, store_notice
from loans.services.repayment_files import apply_lines
from loans.services.staff_loans import create_loan
from tests.loans.books import approved_loan, fake_world, paid_out_loan, repay
from tests.loans.conftest import ALICE, actions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    fake_world(monkeypatch)


@pytest.fixture
def now() -> datetime:
    """The pages read the clock."""
    return timezone.now() - timedelta(hours=3)


@pytest.fixture
def loan(alice: User, now: datetime) -> Loan:
    return paid_out_loan(alice, at=now)


def page(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:loans_{model}_{view}", args=args)


def act(client: Client, model: str, action: str, *args: Any, **values: Any) -> Any:
    """Press a button of a page and confirm its dialog."""
    return client.post(page(model, action, *args), {"_form_submitted": "on", **values})


def local(at: datetime) -> str:
    """As the browser sends a time typed in Lagos."""
    return (at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")


def words(client: Client, url: str) -> str:
    return client.get(url).content.decode()


# Repayments


def test_dialog_books_a_repayment_in_the_persons_name(office: Client, boss: User, loan: Loan, now: datetime) -> None:
    paid = (now + timedelta(hours=1)).replace(second=0, microsecond=0)

    response = act(
        office,
        "loan",
        "repay",
        loan.pk,
        rail="cash",
        reference="R-1",
        amount="4000",
        received_at=local(paid),
        note="Desk",
    )

    assert response["HX-Redirect"] == page("loan", "change", loan.pk)
    repayment = Repayment.objects.get()
    assert (repayment.loan, repayment.amount, repayment.rail, repayment.reference) == (loan, 4000, "cash", "R-1")
    assert (repayment.entered_by, repayment.note, repayment.received_at) == (boss, "Desk", paid)
    assert AuditEvent.objects.get(action="loan.repaid").actor_id == str(boss.pk)
    assert "Repayment booked." in words(office, page("loan", "change", loan.pk))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"amount": ""}, "required"),
        ({"reference": ""}, "required"),
        ({"rail": "credit"}, "Select a valid choice"),
        ({"received_at": "2999-01-01T10:00"}, "in the future"),
        ({"received_at": "yesterday"}, "Enter a valid date/time"),
    ],
)
def test_dialog_says_what_is_wrong(office: Client, loan: Loan, now: datetime, changes: dict, complaint: str) -> None:
    values = {"rail": "cash", "reference": "R-1", "amount": "4000", "received_at": local(now)} | changes
    response = act(office, "loan", "repay", loan.pk, **values)
    assert complaint in response.content.decode()
    assert not Repayment.objects.exists()


def test_refusal_is_shown_on_the_loans_page(office: Client, bob: User, loan: Loan, now: datetime) -> None:
    repay(paid_out_loan(bob, at=now), 1000, rail="cash", reference="R-1", at=now)
    act(office, "loan", "repay", loan.pk, rail="cash", reference="R-1", amount="4000", received_at=local(now))
    assert "was booked before" in words(office, page("loan", "change", loan.pk))
    assert Repayment.objects.count() == 1


def test_button_takes_a_repayment_back(office: Client, boss: User, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 4000, at=now).repayment

    act(office, "repayment", "take_back", repayment.pk, reason="Bounced")

    repayment.refresh_from_db()
    assert (repayment.status, repayment.reversed_by, repayment.reversal_reason) == ("reversed", boss, "Bounced")
    assert act(office, "repayment", "take_back", repayment.pk, reason="Again").status_code == 403
    assert "Bounced" in words(office, page("repayment", "change", repayment.pk))


@pytest.mark.parametrize("typed", [ALICE, "0803 123 4567", "number", "reference"])
def test_repayment_is_found_by_phone_loan_and_reference(
    office: Client, bob: User, loan: Loan, now: datetime, typed: str
) -> None:
    wanted = repay(loan, 1000, at=now).repayment
    repay(paid_out_loan(bob, at=now), 1000, at=now)
    term = {"number": loan.number.lower(), "reference": wanted.reference}.get(typed, typed)

    found = office.get(page("repayment", "changelist"), {"q": term}).context["cl"].result_list

    assert list(found) == [wanted]


# The steps of a loan


def test_loan_is_made_approved_and_paid_out_by_dialogs(client: Client, office: Client, alice: User) -> None:
    key = "6f1c0b3e-0000-4000-8000-000000000001"
    response = act(office, "loan", "make_loan", phone="0803 123 4567", amount="5000", note="By phone", key=key)
    loan = Loan.objects.get()
    assert response["HX-Redirect"] == page("loan", "change", loan.pk)
    assert (loan.status, loan.phone, loan.amount, loan.channel) == ("PENDING", ALICE, 5000, "staff")
    act(office, "loan", "approve", loan.pk)
    assert "Another person than the maker" in words(office, page("loan", "change", loan.pk))

    other = Client()
    other.force_login(User.objects.create_superuser(email="other@example.com", password="x"))
    act(other, "loan", "approve", loan.pk)
    act(other, "loan", "pay_out", loan.pk)

    loan.refresh_from_db()
    assert (loan.status, loan.disbursement.status) == ("APPROVED", "queued")
    act(other, "loan", "cancel", loan.pk, reason="Changed their mind")
    loan.refresh_from_db()
    assert (loan.status, loan.disbursement.status) == ("CANCELLED", "cancelled")


def test_refused_loan_says_why_on_the_list(office: Client, alice: User) -> None:
    key = "6f1c0b3e-0000-4000-8000-000000000001"
    act(office, "loan", "make_loan", phone=ALICE, amount="50000", note="Friend", key=key)
    assert "may borrow NGN 10,000 at most" in words(office, page("loan", "changelist"))
    assert not Loan.objects.exists()


def test_loan_is_rejected_or_written_off_with_a_reason(
    office: Client, boss: User, alice: User, bob: User, now: datetime
) -> None:
    maker = User.objects.create_user(email="maker@example.com", password="x")
    made = create_loan(phone=bob.phone or "", amount=Decimal(5000), note="x", created_by=maker, key="1", at=now)
    owed = paid_out_loan(alice, at=now)

    act(office, "loan", "reject", made.pk, reason="Not them")
    act(office, "loan", "write_off", owed.pk, reason="Gone")

    made.refresh_from_db()
    owed.refresh_from_db()
    assert (made.status, made.reason) == ("REJECTED", "Not them")
    assert (owed.status, owed.reason) == ("WRITTEN_OFF", "Gone")


LOAN_ACTS = {
    "repay": "add_repayment",
    "write_off": "write_off_loan",
    "approve": "approve_loan",
    "reject": "approve_loan",
    "pay_out": "disburse_loan",
    "retry": "disburse_loan",
    "cancel": "disburse_loan",
}


@pytest.mark.parametrize("action", LOAN_ACTS)
def test_each_act_needs_its_own_permission(reader: Client, alice: User, now: datetime, action: str) -> None:
    """A person with every other permission of lending does not get through."""
    if action in ("repay", "write_off"):
        loan = paid_out_loan(alice, at=now)
    elif action in ("retry", "cancel", "pay_out"):
        loan = approved_loan(alice, at=now)
    else:
        maker = User.objects.create_user(email="maker@example.com", password="x")
        loan = create_loan(phone=ALICE, amount=Decimal(5000), note="x", created_by=maker, key="1", at=now)
    person = User.objects.get(email="reader@example.com")
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="loans").exclude(codename=LOAN_ACTS[action])
    )
    before = loan.status, len(actions())

    assert act(reader, "loan", action, loan.pk, reason="x").status_code == 403

    loan.refresh_from_db()
    assert (loan.status, len(actions())) == before


def test_reader_has_no_buttons_and_no_forms(reader: Client, loan: Loan, now: datetime) -> None:
    repayment = repay(loan, 1000, at=now).repayment
    for address in (page("loan", "change", loan.pk), page("repayment", "change", repayment.pk)):
        body = words(reader, address)
        for label in ("Record repayment", "Write off", "Take back", "Cancel loan"):
            assert label not in body
    assert reader.get(page("repaymentfile", "add")).status_code == 403
    assert act(reader, "loan", "make_loan", phone=ALICE).status_code == 403
    assert act(reader, "repayment", "take_back", repayment.pk, reason="x").status_code == 403
    assert Repayment.objects.get().status == "completed"


# Money paid in


def unmatched(now: datetime, **changes: Any) -> PaidInNotice:
    content: dict[str, Any] = {
        "rail": "mtn_momo",
        "reference": "778899",
        "phone": "+2348030000001",
        "amount": Decimal(4000),
        "currency": "NGN",
        "loan_number": "",
        "partner": "bank@example.com",
        "paid_at": now,
        "at": now,
    }
    notice = store_notice(**content | changes).notice
    match_notice(notice_id=notice.pk, at=now)
    return notice


def test_person_books_unmatched_money_to_a_loan(office: Client, boss: User, loan: Loan, now: datetime) -> None:
    notice = unmatched(now)
    assert "The payer owes nothing." in words(office, page("paidinnotice", "change", notice.pk))
    wrong = act(office, "paidinnotice", "match", notice.pk, loan="USS-1999-1", reason="x")
    assert "No loan has this number." in wrong.content.decode()

    act(office, "paidinnotice", "match", notice.pk, loan=loan.number.lower(), reason="Paid by her brother")

    notice.refresh_from_db()
    assert (notice.status, notice.note) == ("applied", "Paid by her brother")
    assert notice.repayment is not None
    assert (notice.repayment.loan, notice.repayment.entered_by) == (loan, boss)


def test_person_dismisses_money_and_may_think_again(office: Client, loan: Loan, now: datetime) -> None:
    notice = unmatched(now)
    act(office, "paidinnotice", "dismiss", notice.pk, reason="A deposit")
    notice.refresh_from_db()
    assert (notice.status, notice.repayment) == ("dismissed", None)
    assert act(office, "paidinnotice", "dismiss", notice.pk, reason="x").status_code == 403

    act(office, "paidinnotice", "match", notice.pk, loan=loan.number, reason="It was one")
    notice.refresh_from_db()
    assert notice.status == "applied"
    assert actions("paid_in") == ["paid_in.received", "paid_in.dismissed", "paid_in.matched"]


def test_deciding_about_money_needs_its_permission(reader: Client, loan: Loan, now: datetime) -> None:
    notice = unmatched(now)
    for action in ("match", "dismiss"):
        assert act(reader, "paidinnotice", action, notice.pk, loan=loan.number, reason="x").status_code == 403
    notice.refresh_from_db()
    assert notice.status == "unmatched"


# Files


def upload(client: Client, text: str, name: str = "friday.csv") -> Any:
    file = SimpleUploadedFile(name, text.encode(), content_type="text/csv")
    return client.post(page("repaymentfile", "add"), {"file": file})


def csv_of(loan: Loan, now: datetime) -> str:
    day = now.strftime("%Y-%m-%d")
    return (
        "loan,amount,rail,reference,received_at\n"
        f"{loan.number},4000,bank,T-1,{day}\n"
        f"USS-1999-001,4000,bank,T-2,{day}\n"
        f"{loan.number},lots,bank,T-3,{day}\n"
    )


def test_file_is_shown_first_and_applied_by_a_button(office: Client, boss: User, loan: Loan, now: datetime) -> None:
    response = upload(office, csv_of(loan, now))

    file = RepaymentFile.objects.get()
    assert response["Location"] == page("repaymentfile", "change", file.pk)
    body = words(office, page("repaymentfile", "change", file.pk))
    assert f"Loan {loan.number}: pays NGN 4,000, leaves NGN 6,000." in body
    assert "No loan USS-1999-001." in body
    assert "USS-1999-001, NGN 4,000, bank, T-2" in body
    assert "&#x27;lots&#x27; is not an amount." in body
    assert not Repayment.objects.exists()

    act(office, "repaymentfile", "apply", file.pk)
    apply_lines(file_id=file.pk)

    assert Repayment.objects.get().entered_by == boss
    file.refresh_from_db()
    assert (file.status, file.applied_by) == ("applied", boss)
    assert act(office, "repaymentfile", "apply", file.pk).status_code == 403
    lines = office.get(page("repaymentfileline", "changelist"), {"file": str(file.pk)})
    assert [line.status for line in lines.context["cl"].result_list] == ["booked", "bad", "bad"]


def test_same_file_is_shown_and_not_read_again(office: Client, loan: Loan, now: datetime) -> None:
    upload(office, csv_of(loan, now))
    response = upload(office, csv_of(loan, now), name="other.csv")
    assert RepaymentFile.objects.count() == 1
    assert "This file is here already." in words(office, response["Location"])


def test_unreadable_file_is_refused_beside_the_field(office: Client) -> None:
    response = upload(office, "amount,colour\n5,red\n")
    assert "Unknown columns: colour." in response.content.decode()
    assert "This field is required." in office.post(page("repaymentfile", "add"), {}).content.decode()
    assert not RepaymentFile.objects.exists()


def test_page_documents_the_columns_and_its_sample_can_be_read(office: Client) -> None:
    body = words(office, page("repaymentfile", "add"))
    for column in ("loan", "phone", "amount", "rail", "reference", "received_at", "note"):
        assert f">{column}<" in body
    sample = office.get(reverse("admin:loans_repaymentfile_sample")).content
    response = upload(office, sample.decode())
    file = RepaymentFile.objects.get()
    assert response.status_code == 302
    # Nothing is wrong with them but that the loans are not there.
    assert [line.reason for line in file.lines.all()] == [
        "No loan USS-2026-001.",
        "The customer with this phone number owes nothing.",
    ]


@pytest.mark.parametrize("model", ["repayment", "paidinnotice", "repaymentfile", "repaymentfileline", "loan"])
def test_lists_open(office: Client, loan: Loan, now: datetime, model: str) -> None:
    repay(loan, 100, at=now)
    unmatched(now)
    upload(office, csv_of(loan, now))
    assert office.get(page(model, "changelist")).status_code == 200
    found = office.get(page(model, "changelist"), {"q": "nothing"}) if model != "repaymentfileline" else None
    assert found is None or found.status_code == 200
