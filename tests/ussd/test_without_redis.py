"""Redis is gone, or hangs: turns go on by the gateway's history, and nothing is doubled."""

import time
from collections.abc import Callable, Iterator

import pytest

from accounts.models import User
from disbursements.models import Disbursement
from promos.models import CodeAttempt, PromoCode, Redemption
from tests.support.ports import closed_port
from tests.ussd.conftest import MENU, NEWCOMER, PROMO, make_unknown
from tests.ussd.dialling import Handset
from tests.ussd.outages import move_redis, silent_server
from ussd.models import Gateway, TurnRecord

pytestmark = pytest.mark.django_db(transaction=True)

REDEEMED = "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS."


@pytest.fixture
def dead_redis(settings: object) -> None:
    move_redis(settings, closed_port())


@pytest.fixture
def silent_redis(settings: object) -> Iterator[None]:
    with silent_server() as port:
        move_redis(settings, port)
        yield


def test_code_is_redeemed_once(
    dead_redis: None, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()

    assert phone.dial() == "Welcome to Starhash.\nEnter your promo code:"
    assert phone.type("HELLO").startswith("This is not a code.")
    assert phone.type(str(codes[0])) == REDEEMED
    assert phone.repeat() == REDEEMED
    assert Redemption.objects.count() == Disbursement.objects.count() == 1


def test_the_way_through_the_menu_is_replayed(
    dead_redis: None, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset(service_code=MENU)
    main = phone.dial()

    assert phone.type("9").startswith("No such choice.\nStarhash\n1 Redeem a code")
    assert phone.type("5").startswith("Enter a code: its money")
    assert phone.type("0") == main
    assert phone.type("1") == "Welcome to Starhash.\nEnter your promo code:\n0 Back"
    assert phone.type(str(codes[0])) == REDEEMED


def test_newcomer_chooses_a_language_and_redeems(
    dead_redis: None, handset: Callable[..., Handset], codes: list[PromoCode]
) -> None:
    phone = handset(phone=NEWCOMER, service_code=MENU)

    assert phone.dial().startswith("Choose your language:")
    assert phone.type("3").startswith("Starhash\n1 Tumia kodi")
    assert phone.type("1") == "Karibu Starhash.\nWeka kodi yako ya promosheni:\n0 Rudi"
    assert phone.type(str(codes[0])).startswith("Kodi imekubaliwa.")


def test_last_input_gateway_can_still_redeem(
    dead_redis: None, last_input: Gateway, aline: User, codes: list[PromoCode]
) -> None:
    phone = Handset(last_input, aline.phone, PROMO)
    phone.dial()

    assert phone.type(str(codes[0])) == REDEEMED


def test_guesses_are_counted_in_the_database(
    dead_redis: None, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    replies = []
    for turn in range(7):
        phone = handset()
        phone.dial()
        replies.append(phone.type(make_unknown(codes[0], turn=turn)))

    assert replies[:5] == ["We do not know this code. Check it and dial again."] * 5
    assert replies[5:] == ["Too many wrong codes. Try again in 60 minutes."] * 2
    assert CodeAttempt.objects.filter(outcome="NOT_FOUND").count() == 5


def test_turns_are_logged_at_once(
    dead_redis: None, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()
    phone.type(str(codes[0]))

    logged = TurnRecord.objects.order_by("id").values_list("screen", "input", "outcome", "ends")
    assert list(logged) == [
        ("promo.code", "", "", False),
        ("promo.redeemed", codes[0].code[:4] + "****", "REDEEMED", True),
    ]


def test_redis_that_never_answers_costs_seconds_not_the_turn(
    silent_redis: None, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset(inputs=(str(codes[0]),))
    started = time.monotonic()

    assert phone.dial() == REDEEMED
    assert time.monotonic() - started < 5
    assert Redemption.objects.count() == 1
