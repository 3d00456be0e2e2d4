"""Borrowing from the menu: from the dial to the loan, on every kind of gateway, and why not."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django_redis import get_redis_connection

from accounts.models import User
from configuration.services import change_category
from disbursements.models import Disbursement
from loans.configuration import CreditSettings, LoanSettings
from loans.models import CreditProfile, Loan
from loans.services.offers import make_offers
from loans.sessions import session_key
from loans.statuses import LoanStatus
from tests.ussd.lending import ADA, MAIN, MENU, OFFERS, TAKEN, due_day, make_borrower, make_line, phone_of
from tests.ussd.lending import take_loan as take
from ussd.models import Gateway
from ussd.statuses import GatewayKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=GatewayKind.values)
def line(request: pytest.FixtureRequest, now: datetime) -> Gateway:
    """Each kind of gateway in turn."""
    return make_line(request.param, at=now)


@pytest.fixture
def at_line(now: datetime) -> Gateway:
    return make_line(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture
def ada(now: datetime) -> User:
    return make_borrower(at=now)


def test_customer_sees_what_they_get_and_repay_and_takes_the_loan(line: Gateway, ada: User, now: datetime) -> None:
    phone = phone_of(line)

    assert phone.dial() == MAIN
    assert phone.type("1") == OFFERS
    due = due_day(now, days=30)
    assert phone.type("3") == f"Get 9,000. Repay 10,000 by {due}.\n1 Yes\n2 No\n0 Back\n00 Home"
    assert Loan.objects.count() == 0
    assert phone.type("1") == TAKEN
    assert phone.ended

    loan = Loan.objects.get()
    assert (loan.customer, loan.phone, loan.status) == (ada, ADA, LoanStatus.APPROVED)
    assert (loan.amount, loan.disbursed_amount, loan.currency) == (10_000, 9_000, "NGN")
    assert (loan.partner, loan.session_id) == (line.slug, f"{line.slug}:{phone.session_id}")
    assert loan.network == "MTN NG"
    payout = Disbursement.objects.get()
    assert (payout.amount, payout.currency, payout.payee) == (9_000, "NGN", ADA)


def test_no_leads_back_to_the_offers_and_makes_nothing(line: Gateway, ada: User) -> None:
    phone = phone_of(line)
    phone.dial()
    phone.type("1")
    phone.type("1")

    assert phone.type("2") == OFFERS
    assert phone.type("4").startswith("No such choice.\nChoose a loan (NGN):")
    assert phone.type("0") == MAIN
    assert phone.type("0") == "Thank you for using Starhash."
    assert Loan.objects.count() == 0
    assert CreditProfile.objects.count() == 0


def test_the_main_menu_leads_to_loans_too(at_line: Gateway, ada: User) -> None:
    phone = phone_of(at_line, service_code=MENU)

    assert phone.dial().split("\n")[3] == "3 Loans"
    assert phone.type("3") == MAIN.replace("Exit", "Back")
    assert phone.type("1") == f"{OFFERS}\n00 Home"
    assert phone.type("00").startswith("Starhash\n1 Redeem a code")


def test_newcomer_chooses_a_language_and_reads_on_in_it(at_line: Gateway, now: datetime) -> None:
    phone = phone_of(at_line)

    assert phone.dial().startswith("Choose your language:")
    assert phone.type("4") == (
        "Starhash: prets\n1 Obtenir un pret\n2 Mon pret\n3 Rembourser\n4 Pourquoi ce montant?\n5 Langue\n0 Quitter"
    )
    phone.type("1")
    due = due_day(now, days=30, language="fr")
    assert phone.type("1").startswith(f"Vous recevez 4,500. A rembourser: 5,000 au plus tard le {due}.\n1 Oui")
    assert phone.type("1") == "Votre pret est en cours de traitement. Vous serez averti bientot."
    assert Loan.objects.get().amount == 5_000


def test_language_is_changed_from_the_loans_menu(at_line: Gateway, ada: User) -> None:
    phone = phone_of(at_line)
    phone.dial()

    assert phone.type("5").startswith("Choose your language:")
    assert phone.type("3").startswith("Starhash: mikopo\n1 Pata mkopo")
    ada.refresh_from_db()
    assert ada.language == "sw"


def test_who_may_borrow_nothing_is_told_so(at_line: Gateway, ada: User, now: datetime) -> None:
    CreditProfile.objects.create(
        customer=ada, score=100, credit_limit=Decimal(0), automatic_limit=False, created_at=now
    )
    phone = phone_of(at_line)
    phone.dial()

    assert phone.type("1") == "You are not eligible for a loan at this time."
    assert phone.ended


def test_second_loan_waits_for_the_pause_that_is_really_left(at_line: Gateway, ada: User, now: datetime) -> None:
    change_category(CreditSettings, changes={"starting_limit": 90_000}, changed_by=None, reason="Room", at=now)
    CreditProfile.objects.create(
        customer=ada, score=800, credit_limit=Decimal(90_000), automatic_limit=False, created_at=now
    )
    assert take(phone_of(at_line)) == TAKEN

    assert take(phone_of(at_line), option="1") == "You took a loan recently. Try again in 2 hours."
    change_category(LoanSettings, changes={"cooldown_minutes": 45}, changed_by=None, reason="Shorter", at=now)
    assert take(phone_of(at_line), option="1") == "You took a loan recently. Try again in 45 min."
    assert Loan.objects.count() == 1


def test_limit_that_is_used_up_has_its_own_words(at_line: Gateway, ada: User, now: datetime) -> None:
    change_category(LoanSettings, changes={"cooldown_minutes": 0}, changed_by=None, reason="None", at=now)
    assert take(phone_of(at_line)) == TAKEN

    assert take(phone_of(at_line), option="1") == "This amount is above your limit. Dial again to see new offers."
    assert Loan.objects.count() == 1


def test_offer_that_another_channel_replaced_is_not_taken(at_line: Gateway, ada: User, now: datetime) -> None:
    phone = phone_of(at_line)
    phone.dial()
    phone.type("1")
    assert phone.type("3").startswith("Get 9,000.")
    CreditProfile.objects.create(
        customer=ada, score=300, credit_limit=Decimal(4_000), automatic_limit=False, created_at=now
    )
    make_offers(phone=ADA, session_id="callback", network="mtn", partner="partner@telco.example", at=now)

    assert phone.type("1") == "This offer has changed. Dial again to see new offers."
    assert phone.ended
    assert Loan.objects.count() == 0


@pytest.mark.parametrize("again", ["other channel", "no session"])
def test_terms_that_changed_after_they_were_shown_are_not_taken(
    at_line: Gateway, ada: User, now: datetime, again: str
) -> None:
    phone = phone_of(at_line)
    phone.dial()
    phone.type("1")
    assert phone.type("3").startswith("Get 9,000. Repay 10,000")
    tiers = [{"score_from": 0, "score_to": 850, "rate": "20"}]
    change_category(LoanSettings, changes={"interest_rate_tiers": tiers}, changed_by=None, reason="Dearer", at=now)
    if again == "other channel":
        make_offers(phone=ADA, session_id="callback", network="mtn", partner="partner@telco.example", at=now)
    else:
        get_redis_connection("sessions").delete(session_key(ADA))

    assert phone.type("1") == "This offer has changed. Dial again to see new offers."
    assert Loan.objects.count() == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "It is your first loan: up to NGN 10,000.\nRepay it on time to raise your score and get more."),
        (
            {"score": 600, "total_loans": 2},
            "Your score is 600: up to NGN 35,000.\nYour limit is NGN 35,000, you owe NGN 0.\n"
            "Repay on time to get more.",
        ),
        (
            {"score": 320, "total_loans": 2, "outstanding": 10_000},
            "Your limit is NGN 10,000, you owe NGN 10,000.\nYour score is 320.\nRepay on time to raise it.",
        ),
        (
            {"score": 90, "total_loans": 2, "automatic_limit": False, "credit_limit": 0},
            "Your score of 90 is too low for a loan now.\nRepay what you owe to raise it.",
        ),
    ],
    ids=["first", "by score", "limit used up", "nothing"],
)
def test_why_this_amount(at_line: Gateway, ada: User, now: datetime, facts: dict[str, object], words: str) -> None:
    if facts:
        CreditProfile.objects.create(customer=ada, created_at=now, **{"credit_limit": Decimal(10_000), **facts})
    phone = phone_of(at_line)
    phone.dial()

    assert phone.type("4") == f"{words}\n0 Back"
    assert phone.type("0") == MAIN


def test_my_loan_follows_its_life(at_line: Gateway, ada: User, now: datetime) -> None:
    def looks() -> str:
        phone = phone_of(at_line)
        phone.dial()
        return phone.type("2")

    assert looks() == "You have no loan yet.\n0 Back"
    assert take(phone_of(at_line)) == TAKEN
    loan = Loan.objects.get()
    number, due = loan.number, due_day(now, days=30)
    assert looks() == f"{number}: NGN 9,000 is on its way to you. Repay NGN 10,000 by {due}.\n0 Back"
    Loan.objects.update(error_code="PAYEE_NOT_FOUND")
    assert looks() == f"{number}: NGN 9,000 could not be paid yet. We are looking into it.\n0 Back"
    Loan.objects.update(error_code="", status="DISBURSED", disbursed_at=now)
    assert looks() == f"{number}: paid to you. You owe NGN 10,000, due {due}.\n0 Back"
    Loan.objects.update(status="REPAYING", amount_paid=2_500, outstanding=7_500)
    assert looks() == f"{number}: partly repaid. You owe NGN 7,500, due {due}.\n0 Back"
    Loan.objects.update(status="OVERDUE", due_date=now.date() - timedelta(days=3))
    late = due_day(now, days=-3)
    assert looks() == f"{number}: overdue. You owe NGN 7,500, due since {late}.\n0 Back"
    Loan.objects.update(status="COMPLETED", amount_paid=10_000, outstanding=0, completed_at=now)
    assert looks() == f"{number}: repaid. You owe nothing for it.\n0 Back"
