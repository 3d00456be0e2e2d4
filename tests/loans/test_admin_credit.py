"""Credit profiles, offers and loans in the back office: found, explained, and changed only by who may."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import User
from configuration.services import change_category
from loans.configuration import CreditSettings
from loans.eligibility import terms_of
from loans.models import CreditProfile, Loan, Offer, ScoreChange
from loans.offer_log import terms_as_json
from loans.services.credit import adjust_credit
from loans.statuses import LoanChannel, LoanStatus
from tests.loans.conftest import make_customer, make_profile
from tests.loans.rows import make_loan, make_offer

pytestmark = pytest.mark.django_db

MODELS: dict[str, Any] = {"creditprofile": CreditProfile, "offer": Offer, "loan": Loan}


def page(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:loans_{model}_{view}", args=args)


def words(response: Any) -> str:
    """What a person reads on the page, on one line."""
    return re.sub(r"\s+", " ", strip_tags(response.content.decode().replace("<", " <")))


def found(client: Client, model: str, **query: str) -> list[Any]:
    return list(client.get(page(model, "changelist"), query).context["cl"].result_list)


def adjust(client: Client, customer: User, **values: Any) -> Any:
    """Press the button on the profile's page and confirm its dialog."""
    typed = {"score": "512", "credit_limit": "12500", "reason": "Payslip", "_form_submitted": "on"} | values
    return client.post(page("creditprofile", "adjust", customer.pk), {k: v for k, v in typed.items() if v is not None})


def set_by_phone(client: Client, phone: str, **values: Any) -> Any:
    typed = {"phone": phone, "score": "512", "automatic_limit": "on", "reason": "Known", "_form_submitted": "on"}
    return client.post(page("creditprofile", "set_credit"), typed | values)


# Finding


@pytest.mark.parametrize("typed", ["+2348031234567", "08031234567", "234 803 123 4567", " 0803-123-4567 "])
@pytest.mark.parametrize("model", MODELS)
def test_customer_is_found_by_the_number_in_any_usual_form(
    office: Client, alice: User, bob: User, now: datetime, model: str, typed: str
) -> None:
    for number, customer in enumerate((alice, bob), start=1):
        make_profile(customer, at=now)
        make_offer(customer, at=now)
        make_loan(customer, at=now, number=f"USS-2026-00{number}")

    for row in found(office, model, q=typed):
        assert alice.pk in (row.pk, getattr(row, "customer_id", None))
    assert len(found(office, model, q=typed)) == 1
    assert found(office, model, q="nonsense") == []
    assert found(office, model, q="+250788999999") == []
    assert len(found(office, model)) == 2


def test_loan_is_found_by_its_number_and_id(office: Client, alice: User, now: datetime) -> None:
    loan = make_loan(alice, at=now)
    for typed in ("uss-2026-001", str(loan.pk)):
        assert found(office, "loan", q=typed) == [loan]


def test_loans_are_filtered_by_what_needs_a_person(office: Client, alice: User, now: datetime) -> None:
    # Dates long past: the page reads the clock.
    long_ago = now - timedelta(days=2_000)
    fields: dict[str, dict[str, Any]] = {
        "A": {"status": LoanStatus.PENDING, "channel": LoanChannel.STAFF, "approved_at": None},
        "B": {"status": LoanStatus.APPROVED, "error_code": "NOT_ENOUGH_FUNDS"},
        "C": {"status": LoanStatus.APPROVED},
        "D": {"status": LoanStatus.OVERDUE, "network": "Airtel NG"},
        "E": {"status": LoanStatus.COMPLETED, "amount_paid": Decimal(10_000)},
        "F": {"status": LoanStatus.DISBURSED, "due_date": (now + timedelta(days=36_500)).date(), "network": "MTN NG"},
    }
    for number, values in fields.items():
        make_loan(alice, at=long_ago, number=number, **values)

    def numbers(**query: str) -> str:
        return "".join(sorted(loan.number for loan in found(office, "loan", **query)))

    assert numbers(attention="failed") == "B"
    assert numbers(attention="late") == "D"
    assert numbers(attention="undecided") == "A"
    assert "Payout failed" in words(office.get(page("loan", "changelist"), {"attention": "failed"}))
    assert numbers(network="MTN NG") == "F"
    assert numbers(status__exact="APPROVED") == "BC"
    assert numbers(channel__exact="staff") == "A"


def test_profiles_are_filtered(office: Client, alice: User, bob: User, now: datetime) -> None:
    make_profile(alice, at=now, score=420, outstanding=Decimal(12_000), total_loans=1)
    make_profile(bob, at=now, score=700, automatic_limit=False, repayment_status="COMPLETED")

    def phones(**query: str) -> list[str]:
        return [profile.customer.phone for profile in found(office, "creditprofile", **query)]

    assert phones(score_from="400", score_to="500") == [alice.phone]
    assert phones(limit="staff") == [bob.phone]
    assert phones(limit="automatic") == [alice.phone]
    assert phones(debt="owes") == phones(debt="above") == [alice.phone]
    assert phones(debt="none") == [bob.phone]
    assert phones(repayment_status__exact="COMPLETED") == [bob.phone]


def test_offers_are_filtered_by_outcome(office: Client, alice: User, now: datetime) -> None:
    offered = make_offer(alice, at=now)
    refused = make_offer(alice, at=now, refusal="NO_ELIGIBLE_AMOUNT", eligible_amount=Decimal(0))

    assert found(office, "offer", outcome="offered") == [offered]
    assert found(office, "offer", outcome="NO_ELIGIBLE_AMOUNT") == [refused]


# Explaining


def test_offer_says_why_it_was_what_it_was(office: Client, boss: User, alice: User, now: datetime) -> None:
    terms = terms_of(Decimal(10_000), Decimal(10), 30, "NGN", now.date())
    offer = make_offer(alice, at=now, offers=[terms_as_json(terms)])
    loan = make_loan(alice, at=now, offer=offer.uid)

    text = words(office.get(page("offer", "change", offer.pk)))

    assert "Credit score 300." in text
    assert "Amount: NGN 10,000, by the tier for scores from 300 to 329." in text
    assert "Interest: 10 %, by the tier for scores from 300 to 549." in text
    assert "Time to repay: 30 days, by the tier for scores from 300 to 649." in text
    assert "Settings: Credit scores and limits version 3, Loans as delivered." in text
    assert "1 NGN 10,000 NGN 9,000 NGN 1,000 (10 %) 30 2026-12-20" in text
    assert loan.number in text


def test_loan_shows_terms_payout_repayments_and_what_it_did_to_the_score(
    office: Client, boss: User, alice: User, now: datetime
) -> None:
    make_profile(alice, at=now, score=460)
    loan = make_loan(alice, at=now)
    ScoreChange.objects.create(
        customer=alice,
        loan=loan,
        at=now,
        reason="overdue",
        score_before=470,
        score_after=460,
        limit_before=20_000,
        limit_after=20_000,
        configuration_version=2,
        explanation={"days_overdue": 1, "tiers": [{"tier": "1 to 7", "points": -10}], "points": -10},
    )

    response = office.get(page("loan", "change", loan.pk))

    text = words(response)
    assert "NGN 1,000 (10 %), deducted upfront" in text
    assert "Score 470 → 460 Limit NGN 20,000 USS-2026-001 Loan overdue." in text
    assert "Overdue 1 day, the tier 1 to 7: -10 points." in text
    assert "Credit scores and limits version 2" in text
    assert "The system" in text
    assert reverse("admin:disbursements_disbursement_change", args=[loan.disbursement_id]) in response.content.decode()


def test_profile_says_what_the_next_dial_offers_and_how_the_score_came_about(
    office: Client, boss: User, alice: User, now: datetime
) -> None:
    make_profile(alice, at=now, total_loans=1)
    adjust_credit(
        customer_id=alice.pk,
        score=460,
        credit_limit=Decimal(15_000),
        automatic_limit=False,
        reason="Payslip <seen>",
        changed_by=boss,
        at=now,
    )

    response = office.get(page("creditprofile", "change", alice.pk))

    text = words(response)
    assert "NGN 15,000 at 10 % for 30 days." in text
    assert "The credit limit lowers it to NGN 15,000." in text
    assert "Score 300 → 460 Limit NGN 10,000 → NGN 15,000 Changed by staff by boss@example.com: Payslip" in text
    assert "Payslip &lt;seen&gt;" in response.content.decode()


def test_automatic_limit_is_shown_as_it_is_in_force(office: Client, boss: User, alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=300, credit_limit=Decimal(10_000), total_loans=1)
    tiers = [{"score_from": 0, "score_to": 850, "amount": 77_000}]
    change_category(CreditSettings, changes={"amount_tiers": tiers}, changed_by=boss, reason="r", at=now)

    assert "NGN 77,000, follows the score" in words(office.get(page("creditprofile", "changelist")))


@pytest.mark.parametrize("model", MODELS)
def test_pages_open_for_rows_with_as_little_as_the_database_allows(
    office: Client, boss: User, now: datetime, model: str
) -> None:
    customer = make_customer("+2348031111111", network="")
    make_profile(customer, at=now)
    make_offer(customer, at=now, explanation={}, offers=[], refusal="NO_OFFERS")
    make_loan(customer, at=now, explanation={}, status=LoanStatus.PENDING, approved_at=None)

    row = MODELS[model].objects.get()
    assert office.get(page(model, "change", row.pk)).status_code == 200


# Changing


def test_dialog_shows_what_is_set_and_sets_score_and_limit(
    office: Client, boss: User, alice: User, now: datetime
) -> None:
    make_profile(alice, at=now, score=431, credit_limit=Decimal("9000.50"), automatic_limit=False)
    dialog = office.get(page("creditprofile", "adjust", alice.pk)).content.decode()
    assert 'value="431"' in dialog
    assert 'value="9000.50"' in dialog

    response = adjust(office, alice)

    assert response.headers["HX-Redirect"] == page("creditprofile", "change", alice.pk)
    profile = CreditProfile.objects.get()
    assert (profile.score, int(profile.credit_limit), profile.automatic_limit) == (512, 12_500, False)
    assert ScoreChange.objects.get().changed_by == boss


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"score": "851"}, "less than or equal to 850"),
        ({"score": "-1"}, "greater than or equal to 0"),
        ({"score": "many"}, "Enter a whole number."),
        ({"score": ""}, "This field is required."),
        ({"credit_limit": ""}, "Give a limit, or let it follow the score."),
        ({"credit_limit": "-1"}, "greater than or equal to 0"),
        ({"credit_limit": "NaN"}, "Enter a number."),
        ({"credit_limit": "1e30"}, "less than or equal to"),
        ({"reason": " "}, "This field is required."),
    ],
)
def test_mistakes_are_told_in_the_dialog_and_lose_nothing(
    office: Client, alice: User, now: datetime, values: dict[str, str], message: str
) -> None:
    make_profile(alice, at=now)

    dialog = adjust(office, alice, **values).content.decode()

    assert message in dialog
    if "reason" not in values:
        assert 'value="Payslip"' in dialog
    assert CreditProfile.objects.get().score == 300
    assert not ScoreChange.objects.exists()


def test_credit_is_set_by_phone_for_somebody_who_never_borrowed(office: Client, alice: User) -> None:
    response = set_by_phone(office, "0803 123 4567")

    assert response.headers["HX-Redirect"] == page("creditprofile", "change", alice.pk)
    profile = CreditProfile.objects.get()
    assert (profile.customer, profile.score, profile.automatic_limit) == (alice, 512, True)
    assert "No customer has this phone number." in set_by_phone(office, "08037654321").content.decode()


def test_nobody_adjusts_their_own_credit(office: Client, boss: User, now: datetime) -> None:
    make_profile(boss, at=now)
    User.objects.filter(pk=boss.pk).update(phone="+2348030000000")

    assert adjust(office, boss).status_code == 403
    set_by_phone(office, "+2348030000000")

    assert "your own credit" in words(office.get(page("creditprofile", "change", boss.pk)))
    assert CreditProfile.objects.get().score == 300


def test_reader_sees_everything_and_no_button_and_changes_nothing(reader: Client, alice: User, now: datetime) -> None:
    make_profile(alice, at=now)
    assert "Adjust" not in words(reader.get(page("creditprofile", "change", alice.pk)))
    assert "Set a customer" not in words(reader.get(page("creditprofile", "changelist")))

    assert adjust(reader, alice).status_code == 403
    assert set_by_phone(reader, "08031234567").status_code == 403
    assert CreditProfile.objects.get().score == 300


def test_permission_to_adjust_is_enough_beside_looking(client: Client, alice: User, now: datetime) -> None:
    make_profile(alice, at=now)
    officer = User.objects.create_user(email="officer@example.com", password="x")
    wanted = ("view_creditprofile", "adjust_creditprofile")
    officer.user_permissions.set(Permission.objects.filter(content_type__app_label="loans", codename__in=wanted))
    client.force_login(officer)

    adjust(client, alice)

    assert CreditProfile.objects.get().score == 512
    for other in ("loan", "offer"):
        assert client.get(page(other, "changelist")).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_written_by_services_only(office: Client, alice: User, now: datetime, model: str) -> None:
    make_profile(alice, at=now)
    make_offer(alice, at=now)
    make_loan(alice, at=now)
    row = MODELS[model].objects.get()

    assert office.get(page(model, "add")).status_code == 403
    assert office.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert office.post(page(model, "change", row.pk), {"score": "850", "amount": "1"}).status_code == 403


# At size


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("query", [{}, {"q": "08031234567"}])
def test_lists_neither_count_nor_ask_once_per_row(
    office: Client, alice: User, bob: User, now: datetime, model: str, query: dict[str, str]
) -> None:
    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            office.get(page(model, "changelist"), query)
        # Settings are looked up every few seconds, whoever asks.
        return [entry["sql"] for entry in captured if "configuration_version" not in entry["sql"]]

    make_profile(alice, at=now)
    make_offer(alice, at=now)
    make_loan(alice, at=now)
    few = statements()
    make_profile(bob, at=now)
    for number in range(5):
        make_offer(alice, at=now)
        make_loan(alice, at=now, number=f"USS-2026-1{number}")

    more = statements()

    assert len(more) == len(few)
    assert not [sql for sql in more if "COUNT(" in sql.upper() and "loans_" in sql]


@pytest.mark.parametrize(
    ("model", "index"), [("creditprofile", "credit_recent"), ("offer", "loans_offer_default"), ("loan", "loan_recent")]
)
def test_lists_are_read_in_the_order_of_an_index(
    office: Client, alice: User, now: datetime, model: str, index: str
) -> None:
    make_profile(alice, at=now)
    listed = office.get(page(model, "changelist")).context["cl"].queryset
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    plan = listed[:51].explain()

    assert index in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("name", "title"), [("loans_funnelday_changelist", "Funnel"), ("loans_portfolio", "Portfolio")]
)
def test_sidebar_marks_the_page_that_is_open_and_no_other(office: Client, name: str, title: str) -> None:
    groups = office.get(reverse(f"admin:{name}")).context["sidebar_navigation"]
    assert [item["title"] for group in groups for item in group["items"] if item["active"]] == [title]
