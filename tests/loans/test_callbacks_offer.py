"""`loan-offer` over HTTP: contract section 2 row by row, and the first part of spec 2's checklist."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from accounts.models import User
from loans.configuration import CreditSettings, LoanSettings
from loans.sessions import read_session
from tests.loans.conftest import ALICE, make_profile
from tests.loans.partner import OFFER, Partner, written
from ussd.selectors import forget_gateways
from ussd.services.gateways import create_gateway

pytestmark = pytest.mark.django_db
NOT_ELIGIBLE = "END You are not eligible for a loan at this time."


@pytest.fixture
def partner() -> Partner:
    return Partner()


def due(days: int) -> str:
    """The day so many days from today in Lagos."""
    return (timezone.now().astimezone(LoanSettings().zone).date() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("path", ["/api/ussd/loan-offer", "/ussd/loan-offer"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_offer_answers_text_at_every_address(partner: Partner, alice: User, path: str, slash: str) -> None:
    response = partner.post(path + slash, {"msisdn": ALICE, "sessionId": "sess-123"})

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode() == "CON You qualify for:\n1. 5,000\n2. 7,500\n3. 10,000\nSelect option (1-3):"


def test_offer_in_json_shows_what_the_customer_gets_and_repays(partner: Partner, alice: User) -> None:
    answer = partner.offer()

    terms = {"currency": "NGN", "interestRate": 10, "repaymentPeriodDays": 30, "dueDate": due(30)}
    assert answer == {
        "status": "success",
        "type": "loan-offer",
        "sessionId": "sess-123",
        "msisdn": ALICE,
        "userId": str(alice.pk),
        "offers": [
            {"option": 1, "amount": 5000, "disbursedAmount": 4500, "amountDue": 5000, **terms},
            {"option": 2, "amount": 7500, "disbursedAmount": 6750, "amountDue": 7500, **terms},
            {"option": 3, "amount": 10000, "disbursedAmount": 9000, "amountDue": 10000, **terms},
        ],
        "metadata": {"eligibleAmount": 10000, "network": "mtn"},
    }
    # Whole amounts are integers on the wire.
    assert all(isinstance(offer["amount"], int) for offer in answer["offers"])
    assert written() == (0, 0, 0)


def test_offer_takes_a_form(partner: Partner, alice: User) -> None:
    form = urlencode({"msisdn": ALICE, "sessionId": "s", "responseType": "json"})

    response = partner.post(OFFER, form, content_type="application/x-www-form-urlencoded")

    assert response.json()["msisdn"] == ALICE


def test_offer_takes_a_form_whose_plus_became_a_space(partner: Partner, alice: User) -> None:
    response = partner.post(
        OFFER, "msisdn=+2348031234567&responseType=json", content_type="application/x-www-form-urlencoded"
    )

    assert response.json()["msisdn"] == ALICE


@pytest.mark.parametrize("msisdn", ["+2348031234567", "2348031234567", "08031234567", "0803 123 4567", 2348031234567])
def test_offer_knows_the_customer_by_every_usual_form(partner: Partner, alice: User, msisdn: object) -> None:
    assert partner.offer(msisdn)["userId"] == str(alice.pk)


def test_offer_makes_up_a_missing_session_id(partner: Partner, alice: User) -> None:
    first, second = (partner.offer(sessionId=missing)["sessionId"] for missing in (None, ""))

    assert first and second and first != second
    session = read_session(ALICE).session
    assert session is not None and session.session_id == second


def test_offer_mode_may_stand_in_the_query_and_the_body_wins(partner: Partner, alice: User) -> None:
    in_query = partner.post(OFFER + "?responseType=json", {"msisdn": ALICE})
    in_both = partner.post(OFFER + "?responseType=json", {"msisdn": ALICE, "responseType": "text"})
    unknown = partner.post(OFFER, {"msisdn": ALICE, "responseType": "xml"})

    assert in_query.json()["status"] == "success"
    assert in_both.content.startswith(b"CON ")
    assert unknown.content.startswith(b"CON ")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("mtn", "mtn"), ("62130", "MTN NG"), ("Zebra Tel", "Zebra Tel"), ("x" * 90, "x" * 40), (None, "MTN NG")],
)
def test_offer_keeps_the_network_as_given(partner: Partner, alice: User, given: object, kept: str) -> None:
    assert partner.offer(network=given)["metadata"]["network"] == kept


def test_good_score_sees_more_at_better_terms(partner: Partner, alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=760, credit_limit=Decimal(100_000), total_loans=4)

    offers = partner.offer()["offers"]

    assert [offer["amount"] for offer in offers] == [50_000, 75_000, 100_000]
    assert {(offer["interestRate"], offer["repaymentPeriodDays"]) for offer in offers} == {(5, 45)}


def test_low_score_sees_less_for_a_shorter_time(partner: Partner, alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=120, credit_limit=Decimal(5_000), total_loans=1)

    offers = partner.offer()["offers"]

    assert [offer["amount"] for offer in offers] == [2_500, 3_750, 5_000]
    assert {(offer["interestRate"], offer["repaymentPeriodDays"]) for offer in offers} == {(15, 14)}


def test_limit_set_by_staff_clamps_the_offer(partner: Partner, alice: User, now: datetime) -> None:
    make_profile(alice, at=now, score=760, credit_limit=Decimal(131), automatic_limit=False, total_loans=4)

    assert partner.offer(mode="text") == "CON You qualify for:\n1. 66\n2. 98\n3. 131\nSelect option (1-3):"


def test_nothing_is_offered_that_payouts_would_refuse(partner: Partner, alice: User, now: datetime) -> None:
    """The smallest payout is NGN 50; of 66 at 5 % the customer gets 62.70, of 50 only 47.50."""
    profile = make_profile(alice, at=now, score=760, credit_limit=Decimal(66), automatic_limit=False, total_loans=4)

    assert partner.offer(mode="text") == "CON You qualify for:\n1. 66\nSelect option (1-1):"
    profile.credit_limit = Decimal(50)
    profile.save()
    assert partner.offer(mode="text") == NOT_ELIGIBLE
    assert partner.offer()["code"] == "NO_OFFERS"


def test_unknown_number_is_refused_gracefully(partner: Partner) -> None:
    assert partner.offer(mode="text") == NOT_ELIGIBLE
    response = partner.post(OFFER, {"msisdn": ALICE, "responseType": "json"})
    assert response.status_code == 404
    assert response.json() == {
        "status": "error",
        "type": "loan-offer",
        "code": "USER_NOT_FOUND",
        "message": "No user found for this phone number",
    }


def test_nothing_to_borrow_is_said(partner: Partner, alice: User, configure: Callable) -> None:
    configure(CreditSettings, first_time_amount=Decimal(0))

    assert partner.offer(mode="text") == NOT_ELIGIBLE
    response = partner.post(OFFER, {"msisdn": ALICE, "responseType": "json"})
    assert (response.status_code, response.json()["code"]) == (422, "NO_ELIGIBLE_AMOUNT")
    assert read_session(ALICE).session is None


def test_amounts_of_which_nothing_is_left_are_no_offers(partner: Partner, alice: User, configure: Callable) -> None:
    """Interest of 99.99 % takes all of an amount that is rounded to the franc."""
    configure(CreditSettings, first_time_amount=Decimal(1))
    configure(
        LoanSettings,
        currency="RWF",
        interest_rate_tiers=(),
        default_interest_rate=Decimal("99.99"),
        max_interest_rate=Decimal("99.99"),
    )

    response = partner.post(OFFER, {"msisdn": ALICE, "responseType": "json"})
    assert (response.status_code, response.json()["code"]) == (422, "NO_OFFERS")
    assert partner.offer(mode="text") == NOT_ELIGIBLE


def test_deactivated_customer_is_offered_nothing(partner: Partner, alice: User) -> None:
    partner.offer()
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert partner.offer()["code"] == "NO_ELIGIBLE_AMOUNT"
    assert read_session(ALICE).session is None


def test_second_offer_replaces_the_first(partner: Partner, alice: User) -> None:
    partner.offer()
    first = read_session(ALICE).session
    partner.offer(sessionId="sess-124")
    second = read_session(ALICE).session

    assert first is not None and second is not None
    assert first.instance != second.instance
    assert second.session_id == "sess-124"


def test_gateways_country_reads_numbers_without_one(alice: User, now: datetime) -> None:
    User.objects.create(phone="+250788123456", language="en")
    create_gateway(
        slug="kigali", name="Kigali", kind="json", service_codes={"*384#": "menu"}, region="RW", at=timezone.now()
    )
    forget_gateways()
    kigali = Partner("loans", email="kigali@partner.example", gateway="kigali")

    # Known there by these digits, though loans are for phones of Lagos.
    assert kigali.offer("0788123456")["code"] == "NO_ELIGIBLE_AMOUNT"
    # In Lagos the same digits are no mobile number.
    assert Partner().offer("0788123456")["code"] == "INVALID_REQUEST"
    forget_gateways()


def test_answer_is_plain_json_for_a_name_that_needs_escaping(partner: Partner, alice: User) -> None:
    response = partner.post(OFFER, {"msisdn": ALICE, "responseType": "json", "network": 'Réseau "x"'})

    assert json.loads(response.content)["metadata"]["network"] == 'Réseau "x"'
