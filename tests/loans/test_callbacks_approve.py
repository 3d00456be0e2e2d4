"""`loan-approve` over HTTP: contract section 2 row by row, and the second part of spec 2's checklist."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.utils import timezone
from django_redis import get_redis_connection

from accounts.models import User
from disbursements.models import Disbursement
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan, Offer
from loans.services.offer_records import store_offers
from loans.sessions import read_session, session_key
from tests.loans.conftest import ALICE, actions, make_customer, make_profile
from tests.loans.partner import APPROVE, PROCESSING, Partner, age_loans, written
from tests.loans.test_approval_races import hold_lock
from ussd.loan_callbacks import views

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner() -> Partner:
    return Partner()


def forget_session(phone: str = ALICE) -> None:
    """As after 180 seconds."""
    get_redis_connection("sessions").delete(session_key(phone))


@pytest.mark.parametrize("path", ["/api/ussd/loan-approve", "/ussd/loan-approve"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_approve_answers_text_at_every_address(partner: Partner, alice: User, path: str, slash: str) -> None:
    partner.offer()

    response = partner.post(path + slash, {"msisdn": ALICE, "sessionId": "sess-123", "selectedOption": "2"})

    assert (response.status_code, response.content.decode()) == (200, f"END {PROCESSING}")
    assert Loan.objects.get().amount == 7500


def test_approve_in_json(partner: Partner, alice: User) -> None:
    partner.offer()

    answer = partner.approve()

    loan = Loan.objects.get()
    assert answer == {
        "status": "processing",
        "type": "loan-approve",
        "sessionId": "sess-123",
        "msisdn": ALICE,
        "loan": {
            "id": str(loan.pk),
            "loanId": loan.number,
            "userId": str(alice.pk),
            "amount": 7500,
            "status": "APPROVED",
        },
        "message": PROCESSING,
    }


def test_approved_loan_is_the_one_that_was_shown(partner: Partner, alice: User) -> None:
    shown = partner.offer()["offers"][1]
    store_offers(at=timezone.now())

    partner.approve()

    loan = Loan.objects.get()
    year = timezone.now().astimezone(LoanSettings().zone).year
    assert loan.number.startswith(f"USS-{year}-")
    assert (loan.amount, loan.interest, loan.disbursed_amount, loan.outstanding) == (7500, 750, 6750, 7500)
    assert (loan.interest_rate, loan.repayment_period_days, loan.due_date.isoformat()) == (10, 30, shown["dueDate"])
    assert (loan.status, loan.channel, loan.network, loan.partner) == (
        "APPROVED",
        "ussd",
        "mtn",
        "gateway@partner.example",
    )
    assert (loan.session_id, loan.approved_by, loan.created_by) == ("sess-123", None, None)
    session = read_session(ALICE).session
    assert session is not None
    assert loan.idempotency_key == f"ussd:loan:{alice.pk}:{session.instance}:7500"
    # The offer as stored, with its explanation.
    offer = Offer.objects.get(uid=loan.offer)
    assert loan.explanation == {**offer.explanation, "option": 2}


def test_payout_is_of_what_the_customer_gets(partner: Partner, alice: User) -> None:
    partner.borrow()

    payout = Disbursement.objects.get()
    assert (payout.purpose, payout.payee, payout.amount, payout.currency) == ("loan", ALICE, 6750, "NGN")
    assert (payout.status, payout.customer_id) == ("queued", alice.pk)
    assert Loan.objects.get().disbursement_id == payout.pk


def test_approve_counts_against_limit_and_totals(partner: Partner, alice: User) -> None:
    loan = partner.borrow()

    profile = CreditProfile.objects.get()
    assert (profile.customer_id, profile.score, profile.credit_limit) == (alice.pk, 300, 10_000)
    assert (profile.outstanding, profile.total_loans, profile.last_loan_at) == (7500, 1, loan.created_at)
    # Nothing is borrowed before it is paid out.
    assert (profile.total_borrowed, profile.repayment_status) == (0, "")
    assert actions("loan.", "disbursement.") == ["disbursement.requested", "loan.approved"]


@pytest.mark.parametrize(
    ("selected", "amount"),
    [
        ({"selectedOption": "1"}, 5000),
        ({"selectedOption": 3}, 10_000),
        ({"selectedOption": " 2 "}, 7500),
        ({"selectedAmount": 7500}, 7500),
        ({"selectedAmount": "7500"}, 7500),
        ({"selectedAmount": 7500.0}, 7500),
        ({"selectedAmount": "7500.00"}, 7500),
        ({"selectedOption": "1", "selectedAmount": 10_000}, 5000),
        ({"selectedOption": "", "selectedAmount": 10_000}, 10_000),
        ({"selectedOption": None, "selectedAmount": "5000"}, 5000),
    ],
)
def test_selection_is_mapped_to_an_offer(partner: Partner, alice: User, selected: dict, amount: int) -> None:
    partner.offer()

    assert partner.approve(**selected)["loan"]["amount"] == amount


BAD_OPTIONS: list[Any] = ["0", "-1", "1.5", "999", "4", "２", "١", "1e0", "0x1", "1_0", "+1", "02", "one"]
BAD_OPTIONS += [0, -1, 1.5, 1.0, 10**40, True]
BAD_AMOUNTS: list[Any] = [
    "8,000",
    "abc",
    "8e3",
    "nan",
    "NaN",
    "Infinity",
    "７５００",
    "-7500",
    "7500.001",
    "7_500",
    1,
    -7500,
    1e300,
]
BAD_AMOUNTS += [1, -7500, 1e300, float("nan"), float("inf"), 7500.5, False, "9" * 4000]


@pytest.mark.parametrize(("field", "values"), [("selectedOption", BAD_OPTIONS), ("selectedAmount", BAD_AMOUNTS)])
def test_what_was_not_offered_is_an_invalid_selection(
    partner: Partner, alice: User, field: str, values: list[Any]
) -> None:
    partner.offer()
    before = written()

    for value in values:
        response = partner.post(APPROVE, {"msisdn": ALICE, "sessionId": "s", "responseType": "json", field: value})
        assert (value, response.status_code) == (value, 422) or value != value
        assert response.json()["code"] == "INVALID_SELECTION"
    assert partner.approve(mode="text", **{field: values[0]}) == "END Invalid selection."
    assert written() == before


def test_bad_option_is_not_saved_by_a_good_amount(partner: Partner, alice: User) -> None:
    partner.offer()

    assert partner.approve(selectedOption="9", selectedAmount=7500)["code"] == "INVALID_SELECTION"


def test_unknown_number_is_not_a_user(partner: Partner) -> None:
    assert partner.approve(mode="text") == "END This is not a user."
    response = partner.post(APPROVE, {"msisdn": ALICE, "sessionId": "s", "selectedOption": 1, "responseType": "json"})
    assert response.status_code == 404
    assert response.json() == {
        "status": "error",
        "type": "loan-approve",
        "code": "USER_NOT_FOUND",
        "message": "This is not a user.",
    }


def test_approve_takes_a_form(partner: Partner, alice: User) -> None:
    partner.offer()
    form = urlencode({"msisdn": ALICE, "sessionId": "sess-123", "selectedOption": "1"})

    response = partner.post(APPROVE, form, content_type="application/x-www-form-urlencoded")

    assert response.content.decode() == f"END {PROCESSING}"


def test_approve_without_session_works_the_offers_out_again(partner: Partner, alice: User) -> None:
    assert partner.approve(selectedOption=3)["loan"]["amount"] == 10_000
    assert written()[:2] == (1, 1)


def test_approve_without_session_refuses_whom_nothing_is_offered(partner: Partner, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert partner.approve()["code"] == "NO_ELIGIBLE_AMOUNT"
    assert partner.approve(mode="text") == "END You are not eligible for a loan at this time."


def test_session_does_not_help_who_was_deactivated_since(partner: Partner, alice: User) -> None:
    partner.offer()
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert partner.approve()["code"] == "NO_ELIGIBLE_AMOUNT"
    assert written() == (0, 0, 0)


# Repeats


def test_repeat_gets_the_same_loan(partner: Partner, alice: User) -> None:
    partner.offer()

    answers = [partner.approve() for _time in range(4)]
    answers.append(partner.approve(selectedAmount=7500))

    assert all(answer == answers[0] for answer in answers)
    assert written()[:2] == (1, 1)
    assert CreditProfile.objects.get().total_loans == 1


def test_repeat_without_the_first_answer_in_redis_asks_the_database(partner: Partner, alice: User) -> None:
    partner.offer()
    first = partner.approve()
    client = get_redis_connection("sessions")
    client.delete(*client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:ussd:loan:*"))

    assert partner.approve() == first
    assert written()[:2] == (1, 1)


@pytest.mark.parametrize("selected", [{"selectedOption": "2"}, {"selectedAmount": 7500}])
def test_repeat_after_the_session_has_gone_gets_the_same_loan(
    partner: Partner, alice: User, configure: Callable, selected: dict
) -> None:
    """Also when another amount would be offered by now: what was shown then decides."""
    partner.offer()
    first = partner.approve(**selected)
    forget_session()
    CreditProfile.objects.update(score=760)

    assert partner.approve(**selected) == first
    assert partner.approve(selectedOption="3")["code"] == "INVALID_SELECTION"
    assert written()[:2] == (1, 1)


def test_repeat_of_a_request_that_never_had_a_session(partner: Partner, alice: User) -> None:
    first = partner.approve()

    assert partner.approve() == first
    assert written()[:2] == (1, 1)


def test_same_session_approving_another_amount_is_refused(partner: Partner, alice: User) -> None:
    partner.offer()
    partner.approve(selectedOption=1)

    assert partner.approve(selectedOption=2)["code"] == "INVALID_SELECTION"
    assert written()[:2] == (1, 1)


def test_deactivated_customer_gets_no_answer_of_before(partner: Partner, alice: User) -> None:
    partner.borrow()
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert partner.approve()["code"] == "NO_ELIGIBLE_AMOUNT"


def test_request_under_way_elsewhere_is_said(partner: Partner, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PATIENCE", 0.1)
    partner.offer()
    hold_lock(alice)

    response = partner.post(
        APPROVE, {"msisdn": ALICE, "sessionId": "sess-123", "selectedOption": 2, "responseType": "json"}
    )

    assert (response.status_code, response.json()["code"]) == (409, "REQUEST_IN_PROGRESS")
    assert partner.approve(mode="text") == f"END {PROCESSING}"
    assert not Loan.objects.exists()


# The pause between two loans


def test_next_loan_must_wait(partner: Partner, alice: User) -> None:
    partner.borrow(selectedOption="1")
    partner.offer(sessionId="sess-124")

    words = partner.approve(mode="text", sessionId="sess-124", selectedOption="1")
    response = partner.post(
        APPROVE, {"msisdn": ALICE, "sessionId": "sess-124", "selectedOption": 1, "responseType": "json"}
    )

    assert words == "END You took a loan recently. Try again in 2 hours."
    assert (response.status_code, response.json()["code"]) == (409, "COOLDOWN_ACTIVE")
    assert response.json()["message"] == "You took a loan recently. Try again in 2 hours."
    assert written()[:2] == (1, 1)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        ({"minutes": 1}, "2 hours"),
        ({"minutes": 61, "seconds": 30}, "59 minutes"),
        ({"minutes": 75, "seconds": 15}, "45 minutes"),
        ({"minutes": 119, "seconds": 10}, "1 minute"),
    ],
)
def test_the_time_left_is_said_rounded_up(partner: Partner, alice: User, ago: dict, said: str) -> None:
    partner.borrow(selectedOption="1")
    age_loans(**ago)
    forget_session()

    words = partner.approve(mode="text", sessionId="another", selectedOption="1")

    assert words == f"END You took a loan recently. Try again in {said}."


def test_after_the_pause_the_same_amount_is_a_new_loan(partner: Partner, alice: User) -> None:
    """Next month's equal request, in a session that the gateway calls the same."""
    first = partner.borrow(selectedOption="1")
    age_loans(days=31)

    second = partner.borrow(selectedOption="1")

    assert second.pk != first.pk
    assert second.amount == first.amount == 5000
    assert CreditProfile.objects.get().total_loans == 2


def test_after_the_pause_a_request_without_session_is_a_new_loan(partner: Partner, alice: User) -> None:
    first = partner.approve(selectedOption="1")["loan"]
    age_loans(days=31)

    second = partner.approve(selectedOption="1")["loan"]

    assert first["id"] != second["id"]
    assert Loan.objects.values("session_instance").distinct().count() == 2


def test_pause_holds_for_the_phone_whoever_has_it(partner: Partner, alice: User) -> None:
    """The number went from one customer to another; its loan of a moment ago stays."""
    partner.borrow()
    User.objects.filter(pk=alice.pk).update(phone="+2348031234599")
    make_customer(ALICE)

    answer = partner.approve(sessionId="another")

    assert answer["code"] == "COOLDOWN_ACTIVE"
    assert not CreditProfile.objects.exclude(pk=alice.pk).exists()


def test_no_pause_when_it_is_switched_off(partner: Partner, alice: User, configure: Callable) -> None:
    configure(LoanSettings, cooldown_minutes=0)
    partner.borrow(selectedOption="1")

    assert partner.borrow(sessionId="sess-124", selectedOption="1").amount == 5000
    assert written()[:2] == (2, 2)


# The limit


def test_limit_counts_what_is_owed_already(partner: Partner, alice: User, configure: Callable) -> None:
    configure(LoanSettings, cooldown_minutes=0)
    partner.borrow(selectedOption="2")
    partner.offer(sessionId="next")
    before = written()

    words = partner.approve(mode="text", sessionId="next", selectedOption="1")
    response = partner.post(
        APPROVE, {"msisdn": ALICE, "sessionId": "next", "selectedOption": 1, "responseType": "json"}
    )

    assert words == "END This amount is above your limit. Dial again to see new offers."
    assert (response.status_code, response.json()["code"]) == (422, "CREDIT_LIMIT_EXCEEDED")
    assert written() == before


def test_limit_changed_between_offer_and_approval_is_refused_with_its_own_words(
    partner: Partner, alice: User, now: datetime
) -> None:
    make_profile(alice, at=now, score=460, credit_limit=Decimal(20_000), automatic_limit=False, total_loans=1)
    partner.offer()
    CreditProfile.objects.update(credit_limit=Decimal(15_000))

    assert partner.approve(selectedOption=3)["code"] == "CREDIT_LIMIT_EXCEEDED"
    assert written()[:2] == (0, 0)
    # Up to the limit exactly is allowed.
    assert partner.approve(selectedOption=2)["loan"]["amount"] == 15_000


# Another customer's session


def test_nobody_approves_in_another_customers_session(partner: Partner, alice: User, bob: User) -> None:
    make_profile(alice, at=timezone.now(), score=760, total_loans=1)
    partner.offer()

    answer = partner.approve(bob.phone, selectedOption=3)

    assert answer["loan"]["userId"] == str(bob.pk)
    assert answer["loan"]["amount"] == 10_000


def test_session_kept_under_a_foreign_customer_is_not_used(partner: Partner, alice: User, bob: User) -> None:
    """The phone changed hands within 180 seconds."""
    make_profile(alice, at=timezone.now(), score=760, total_loans=1)
    partner.offer()
    User.objects.filter(pk=alice.pk).update(phone="+2348031234599")
    User.objects.filter(pk=bob.pk).update(phone=ALICE)

    assert partner.approve(selectedOption=3)["loan"]["amount"] == 10_000


def test_currency_changed_since_the_offer_is_worked_out_anew(
    partner: Partner, alice: User, configure: Callable
) -> None:
    partner.offer()
    configure(LoanSettings, currency="RWF")

    assert partner.approve()["status"] == "processing"
    assert Loan.objects.get().currency == "RWF"


def test_currency_nobody_pays_is_unavailable_and_nothing_is_written(
    partner: Partner, alice: User, configure: Callable
) -> None:
    configure(LoanSettings, currency="KES")

    assert partner.approve(mode="text") == "END Service temporarily unavailable."
    assert partner.approve()["code"] == "SERVICE_UNAVAILABLE"
    assert written()[:2] == (0, 0)
    assert not CreditProfile.objects.exists()


def test_pause_longer_than_days_is_said_in_days(partner: Partner, alice: User, configure: Callable) -> None:
    configure(LoanSettings, cooldown_minutes=int(timedelta(days=10).total_seconds() / 60))
    partner.borrow(selectedOption="1")
    forget_session()

    words = partner.approve(mode="text", sessionId="another", selectedOption="1")

    assert words == "END You took a loan recently. Try again in 10 days."


@pytest.mark.parametrize("newer", ["sess-123", "sess-124"])
def test_repeat_after_another_offer_gets_the_same_loan(partner: Partner, alice: User, newer: str) -> None:
    """The gateway's retry comes late: the customer has dialled again meanwhile, and been offered something."""
    partner.offer()
    first = partner.approve()
    partner.offer(sessionId=newer)

    assert partner.approve() == first
    # Anything else than what was approved there is another loan, and too soon.
    assert partner.approve(selectedOption="1")["code"] == "COOLDOWN_ACTIVE"
    assert written()[:2] == (1, 1)


def test_phone_of_another_country_is_lent_nothing(partner: Partner, settings: Any) -> None:
    """Our naira reach Nigerian phones only: such a loan could never be paid out."""
    make_customer("+250788123456")
    assert partner.offer("+250788123456")["code"] == "NO_ELIGIBLE_AMOUNT"
    assert partner.approve("+250788123456")["code"] == "NO_ELIGIBLE_AMOUNT"
    assert partner.approve("+250788123456", mode="text") == "END You are not eligible for a loan at this time."
    assert written() == (0, 0, 0)


def test_providers_test_numbers_borrow_in_the_sandbox_only(partner: Partner, settings: Any) -> None:
    make_customer("+46733123453")
    settings.SANDBOX = True
    assert partner.offer("+46733123453")["status"] == "success"

    settings.SANDBOX = False
    assert partner.approve("+46733123453")["code"] == "INVALID_REQUEST"
    assert written() == (0, 0, 0)
