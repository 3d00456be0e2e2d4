"""Redeeming a code by dialling, on every kind of gateway."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from promos.models import CodeAttempt, PromoCode, Redemption
from tests.ussd.conftest import NEWCOMER, PROMO
from tests.ussd.dialling import Handset
from ussd.models import Gateway

pytestmark = pytest.mark.django_db(transaction=True)

PROMPT = "Welcome to Starhash.\nEnter your promo code:"
REDEEMED = "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS."


def test_code_is_redeemed_once_on_every_gateway(gateway: Gateway, aline: User, codes: list[PromoCode]) -> None:
    phone = Handset(gateway, aline.phone, PROMO)

    assert phone.dial() == PROMPT
    assert not phone.ended
    assert phone.type(str(codes[0])) == REDEEMED
    assert phone.ended
    assert Redemption.objects.get().customer == aline
    assert Disbursement.objects.get().amount == 5000


def test_newcomer_is_registered_and_asked_for_the_language(gateway: Gateway, codes: list[PromoCode]) -> None:
    phone = Handset(gateway, NEWCOMER, PROMO)

    assert phone.dial() == "Choose your language:\n1 English\n2 Ikinyarwanda\n3 Kiswahili\n4 Francais"
    assert phone.type("2") == "Murakaza neza kuri Starhash.\nAndika kode yawe:"
    assert phone.type(str(codes[0])).startswith("Kode yemewe. RWF 5,000 ")
    newcomer = User.objects.get(phone=NEWCOMER)
    assert (newcomer.language, newcomer.network) == ("rw", "MTN RW")
    assert Redemption.objects.get().customer == newcomer


@pytest.mark.parametrize("separator", ["", " ", "-", "*", " - "])
def test_code_is_read_in_any_case_with_any_separators(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode], separator: str
) -> None:
    plain = codes[0].code.lower()
    phone = handset()
    phone.dial()

    assert phone.type(separator.join(plain[at : at + 4] for at in (0, 4, 8, 12))) == REDEEMED


def test_what_cannot_be_a_code_is_asked_for_again(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()

    again = phone.type("HELLO")

    assert again.startswith("This is not a code.")
    assert not phone.ended
    assert phone.type("\U0001f600") == again
    assert CodeAttempt.objects.count() == 0
    assert phone.type(str(codes[0])) == REDEEMED


def test_unknown_code_ends_and_counts_as_a_try(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()
    unknown = _another(codes)

    assert phone.type(unknown) == "We do not know this code. Check it and dial again."
    assert phone.ended
    assert CodeAttempt.objects.count() == 1
    assert Redemption.objects.count() == 0


def test_own_code_again_in_another_session_is_told_as_ones_own(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    first, second = handset(), handset()
    first.dial()
    first.type(str(codes[0]))
    second.dial()

    assert second.type(str(codes[0])).startswith("You redeemed this code already.")
    assert Redemption.objects.count() == 1


def test_somebody_elses_code_is_used(handset: Callable[..., Handset], aline: User, codes: list[PromoCode]) -> None:
    User.objects.create(phone=NEWCOMER, language="fr", network="MTN RW")
    first, second = handset(), handset(phone=NEWCOMER)
    first.dial()
    first.type(str(codes[0]))
    second.dial()

    assert second.type(str(codes[0])) == "Ce code a déjà été utilisé. Il ne paie qu'une fois."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "blocked"}, "This code is blocked. Please contact us."),
        ({"status": "reported"}, "This code is blocked. Please contact us."),
        ({"expires_at": timedelta(days=-1)}, "This code has expired."),
    ],
)
def test_code_that_may_not_be_redeemed_says_why(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode], now: datetime, change: dict, words: str
) -> None:
    values = {key: now + value if isinstance(value, timedelta) else value for key, value in change.items()}
    PromoCode.objects.filter(pk=codes[0].pk).update(**values)
    phone = handset()
    phone.dial()

    assert phone.type(str(codes[0])) == words
    assert phone.ended
    assert Redemption.objects.count() == 0


def test_too_many_wrong_codes_shut_the_phone_out(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    for _try in range(5):
        phone = handset()
        phone.dial()
        phone.type(_another(codes))
    phone = handset()
    phone.dial()

    assert phone.type(str(codes[0])) == "Too many wrong codes. Try again in 60 minutes."
    assert Redemption.objects.count() == 0


def test_inactive_customer_is_turned_away_at_dial(handset: Callable[..., Handset], aline: User) -> None:
    User.objects.filter(pk=aline.pk).update(is_active=False)
    phone = handset()

    assert phone.dial() == "This number cannot use Starhash. Please contact us."
    assert phone.ended


def _another(codes: list[PromoCode]) -> str:
    """A code of the right form that nobody made."""
    known = {code.code for code in codes}
    made = codes[0].code
    return next(code for letter in "ABCDEF" if (code := letter + made[1:]) not in known)
