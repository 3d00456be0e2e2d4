"""Outcome first: who dials again hears what became of the money, until they have heard it."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from accounts.models import User
from promos.models import PromoCode, Redemption
from promos.services.payouts import PromoPayouts
from tests.ussd.conftest import MENU, PROMO
from tests.ussd.dialling import Handset

pytestmark = pytest.mark.django_db(transaction=True)

PROMPT = "Welcome to Starhash.\nEnter your promo code:"


@pytest.fixture
def redeemed(handset: Callable[..., Handset], aline: User, codes: list[PromoCode]) -> Redemption:
    phone = handset()
    phone.dial()
    phone.type(str(codes[0]))
    return Redemption.objects.get()


def settle(redemption: Redemption, outcome: str, at: datetime) -> None:
    """What the payout engine tells the owner of the payout."""
    with transaction.atomic():
        getattr(PromoPayouts(), outcome)(redemption.disbursement, at)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("", "RWF 5,000 is on its way to you."),
        ("on_paid", "RWF 5,000 was paid to you."),
        ("on_failed", "RWF 5,000 could not be paid yet. We are looking into it."),
        ("on_cancelled", "The payment of RWF 5,000 was cancelled."),
    ],
)
def test_next_dial_begins_with_the_outcome(
    handset: Callable[..., Handset], redeemed: Redemption, now: datetime, outcome: str, words: str
) -> None:
    if outcome:
        settle(redeemed, outcome, now)

    assert handset().dial() == f"{words}\n{PROMPT}"
    menu = handset(service_code=MENU).dial()
    assert menu.startswith(f"{words}\nStarhash\n1 Redeem a code")


def test_outcome_is_told_until_the_customer_goes_on(handset: Callable[..., Handset], redeemed: Redemption) -> None:
    told = f"RWF 5,000 is on its way to you.\n{PROMPT}"

    # The screen may have been lost on its way: nobody answered it.
    assert handset().dial() == told
    phone = handset()
    assert phone.dial() == told
    phone.type("HELLO")

    assert handset().dial() == PROMPT


@pytest.mark.parametrize("first", ["dialled with the service code", "dialled and sent as input"])
def test_outcome_that_a_direct_dial_passed_over_is_told_later(
    handset: Callable[..., Handset], redeemed: Redemption, codes: list[PromoCode], now: datetime, first: str
) -> None:
    settle(redeemed, "on_failed", now)
    if first == "dialled with the service code":
        direct = handset(service_code=PROMO.replace("#", "*WRONG#"))
        direct.dial()
    else:
        direct = handset()
        direct.type("WRONG")
    # Going on proves that the last screen arrived; the news were on none.
    direct.type("WRONG")

    redeemed.refresh_from_db()
    assert redeemed.announced_at is None
    assert handset().dial().startswith("RWF 5,000 could not be paid yet.")


def test_outcome_that_changed_is_news_again(
    handset: Callable[..., Handset], redeemed: Redemption, now: datetime
) -> None:
    phone = handset()
    phone.dial()
    phone.type("HELLO")
    settle(redeemed, "on_paid", now)

    assert handset().dial() == f"RWF 5,000 was paid to you.\n{PROMPT}"


def test_outcome_that_changed_while_it_was_told_stays_news(
    handset: Callable[..., Handset], redeemed: Redemption, now: datetime
) -> None:
    phone = handset()
    assert phone.dial().startswith("RWF 5,000 is on its way")
    settle(redeemed, "on_paid", now)
    phone.type("HELLO")

    assert handset().dial().startswith("RWF 5,000 was paid to you.")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("", "RWF 5,000 of {day} is on its way to you.\n0 Back"),
        ("on_paid", "RWF 5,000 was paid to you on {day}.\n0 Back"),
        ("on_failed", "RWF 5,000 of {day} could not be paid yet. We are looking into it.\n0 Back"),
        ("on_cancelled", "The payment of RWF 5,000 of {day} was cancelled.\n0 Back"),
    ],
)
def test_menu_shows_the_last_payment(
    handset: Callable[..., Handset], redeemed: Redemption, now: datetime, outcome: str, words: str
) -> None:
    if outcome:
        settle(redeemed, outcome, now)
    phone = handset(service_code=MENU)
    phone.dial()

    day = redeemed.created_at.astimezone(ZoneInfo("Africa/Kigali"))
    assert phone.type("2") == words.format(day=f"{day:%d/%m/%Y}")


def test_menu_without_payment_says_so(handset: Callable[..., Handset], aline: User) -> None:
    phone = handset(service_code=MENU)
    phone.dial()

    assert phone.type("2") == "You have no payment yet.\n0 Back"


def test_language_is_changed_from_the_menu(handset: Callable[..., Handset], aline: User) -> None:
    phone = handset(service_code=MENU)
    phone.dial()
    phone.type("4")

    assert phone.type("4").startswith("Starhash\n1 Utiliser un code")
    assert handset().dial() == "Bienvenue chez Starhash.\nEntrez votre code promo:"
    aline.refresh_from_db()
    assert aline.language == "fr"
