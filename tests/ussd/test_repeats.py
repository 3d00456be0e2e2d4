"""A turn that comes again gets the same words and does nothing twice (contract section 4)."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from django.db import connection
from django_redis import get_redis_connection

from accounts.models import User
from disbursements.models import Disbursement
from promos.models import CodeAttempt, PromoCode, Redemption
from tests.ussd.conftest import MENU, NEWCOMER, PROMO, make_unknown
from tests.ussd.dialling import Handset
from ussd.models import Gateway
from ussd.session_index import clear_sessions, find_session, session_key
from ussd.store import Claim, Store

pytestmark = pytest.mark.django_db(transaction=True)

REDEEMED = "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS."


def test_repeat_of_the_last_turn_gets_the_same_words(gateway: Gateway, aline: User, codes: list[PromoCode]) -> None:
    phone = Handset(gateway, aline.phone, PROMO)

    assert phone.dial() == phone.repeat()
    assert phone.type(str(codes[0])) == REDEEMED
    assert [phone.repeat() for _time in range(3)] == [REDEEMED] * 3
    assert phone.ended
    assert Redemption.objects.count() == Disbursement.objects.count() == 1


def test_repeat_of_a_wrong_code_burns_no_second_try(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()
    first = phone.type(make_unknown(codes[0]))

    assert phone.repeat() == first
    assert CodeAttempt.objects.count() == 1


def test_repeat_of_an_earlier_turn_gets_its_words_and_leaves_the_session_where_it_is(
    handset: Callable[..., Handset], aline: User
) -> None:
    phone = handset(service_code=MENU)
    main = phone.dial()
    payment = phone.type("2")
    late = handset(service_code=MENU, session_id=phone.session_id)

    assert late.dial() == main
    assert phone.repeat() == payment
    assert phone.type("0") == main


@pytest.mark.parametrize("ends", [False, True])
def test_twenty_deliveries_at_once_are_one_turn(
    gateway: Gateway, aline: User, codes: list[PromoCode], ends: bool
) -> None:
    phone = Handset(gateway, aline.phone, PROMO)
    phone.dial()
    typed = str(codes[0]) if ends else "HELLO"

    replies = _deliver_at_once(phone, typed, copies=20)

    assert len(set(replies)) == 1
    assert replies[0] == REDEEMED if ends else replies[0].startswith("This is not a code.")
    assert Redemption.objects.count() == Disbursement.objects.count() == int(ends)


def _deliver_at_once(phone: Handset, typed: str, copies: int) -> list[str]:
    """The same turn, delivered so often at the same moment."""
    barrier = Barrier(copies)

    def deliver() -> str:
        try:
            barrier.wait()
            return Handset(phone.gateway, phone.phone, PROMO, session_id=phone.session_id).type(typed)
        finally:
            connection.close()

    with ThreadPoolExecutor(copies) as pool:
        return [future.result() for future in [pool.submit(deliver) for _copy in range(copies)]]


@pytest.mark.parametrize("locked", [True, False])
def test_wrong_code_delivered_at_once_burns_one_try_because_of_the_lock(
    handset: Callable[..., Handset],
    aline: User,
    codes: list[PromoCode],
    monkeypatch: pytest.MonkeyPatch,
    locked: bool,
) -> None:
    # The control: without the store every delivery is granted, and each burns a try.
    if not locked:
        monkeypatch.setattr(Store, "claim", lambda *_args, **_kwargs: Claim("granted"))
    phone = handset()

    replies = _deliver_at_once(phone, make_unknown(codes[0]), copies=4)

    assert set(replies) == {"We do not know this code. Check it and dial again."}
    assert CodeAttempt.objects.count() == (1 if locked else 4)


def test_claim_of_a_process_that_gave_up_holds_nobody_up_for_long(handset: Callable[..., Handset], aline: User) -> None:
    # A Redis that hung carries it out later: a lock without a holder.
    get_redis_connection("sessions").set(session_key(aline.phone).replace(":session", ":lock"), "gone|other", px=60_000)
    started = time.monotonic()

    assert handset().dial() == "Welcome to Starhash.\nEnter your promo code:"
    # Without impatience the turn would run into its deadline and hear that the service is busy.
    assert time.monotonic() - started < 60


def test_turn_that_never_reached_us_is_caught_up_with(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset(service_code=MENU)
    phone.dial()
    # Our answer to `1` got out, but no state of it was kept.
    phone.inputs = ("1",)

    assert phone.type(str(codes[0])) == REDEEMED


def test_lost_session_is_rebuilt_from_the_history(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset(service_code=MENU)
    phone.dial()
    phone.type("5")
    phone.type("0")
    phone.type("1")
    clear_sessions()

    assert phone.type(str(codes[0])) == REDEEMED
    assert find_session(phone.session_id).ended


def test_newcomer_whose_session_is_lost_keeps_the_way_after_the_language(
    handset: Callable[..., Handset], codes: list[PromoCode]
) -> None:
    phone = handset(phone=NEWCOMER, service_code=MENU)
    phone.dial()
    assert phone.type("2").startswith("Starhash\n1 Koresha kode\n2 Ubwishyu bwa nyuma")
    clear_sessions()

    # `2` chose Kinyarwanda then; taken for the menu it would be the last payment.
    assert phone.type("1") == "Murakaza neza kuri Starhash.\nAndika kode yawe:\n0 Subira inyuma"


def test_turn_after_the_end_repeats_the_end(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()
    phone.type(str(codes[0]))

    assert phone.type(str(codes[1])) == REDEEMED
    assert phone.ended
    assert Redemption.objects.count() == 1


def test_history_with_one_code_twice_is_one_redemption(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset(inputs=(str(codes[0]),))

    assert phone.type(str(codes[0])) == REDEEMED
    assert Redemption.objects.count() == 1


def test_session_id_used_again_for_another_code_is_another_redemption(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    first = handset()
    first.dial()
    first.type(str(codes[0]))
    second = handset(session_id=first.session_id)

    assert second.type(str(codes[1])) == REDEEMED
    assert Redemption.objects.count() == 2


def test_last_input_same_input_in_a_living_session_is_a_new_one(last_input: Gateway, aline: User) -> None:
    phone = Handset(last_input, aline.phone, MENU)
    phone.dial()

    assert phone.type("1").startswith("Welcome to Starhash.")
    assert phone.type("1").startswith("This is not a code.")


def test_last_input_session_id_used_again_begins_anew(last_input: Gateway, aline: User, codes: list[PromoCode]) -> None:
    phone = Handset(last_input, aline.phone, MENU)
    main = phone.dial()
    assert phone.type("0") == "Thank you for using Starhash."

    again = Handset(last_input, aline.phone, MENU, session_id=phone.session_id)
    assert again.dial() == main
    again.type("1")
    # Not the goodbye that `0` got before.
    assert again.type("0") == main


def test_turn_number_names_a_turn(middle_server: Gateway, aline: User, codes: list[PromoCode]) -> None:
    phone = Handset(middle_server, aline.phone, MENU)
    phone.dial()
    prompt = phone.type("1")

    assert phone.repeat() == prompt
    assert phone.type("1").startswith("This is not a code.")


def test_new_dial_takes_the_place_of_the_old_session(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode], now: datetime
) -> None:
    old, new = handset(service_code=MENU), handset()
    old.dial()
    new.dial()

    assert find_session(old.session_id) is None
    # The old one is still understood, by its history.
    assert old.type("1").startswith("Welcome to Starhash.")
    assert new.type(str(codes[0])) == REDEEMED
