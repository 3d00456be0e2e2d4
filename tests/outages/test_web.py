"""Servers that die or hang under a customer's turn: words in time, and afterwards every code is paid once.

Over HTTP through the real Africa's Talking address, to the real web process; the worker goes on by roads of its own.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from disbursements.models import Disbursement
from promos.models import PromoCode, Redemption
from tests.outages.house import PROMPT, TROUBLE, House
from tests.support.redis_time import let_redis_age
from tests.support.tcp_proxy import TcpProxy, Then
from tests.ussd.dialling import Handset
from ussd.handset import NoAnswer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(400)]

# Seconds after which a gateway shows an error of its own.
DEADLINE = 10
NOT_USED = "Service is having trouble. Your code was not used. Dial again in a few minutes."
UNSURE = "We could not finish in time. Dial again in a few minutes to hear what became of your code."
ON_ITS_WAY = f"RWF 5,000 is on its way to you.\n{PROMPT}"
PAID = f"RWF 5,000 was paid to you.\n{PROMPT}"
OWN = "You redeemed this code already. Dial again any time to hear about your money."

Roads = Callable[[House], list[TcpProxy]]
ROADS: dict[str, Roads] = {
    "postgres": lambda house: [house.roads.postgres],
    "redis": lambda house: [house.roads.sessions, house.roads.broker],
    "both": lambda house: [house.roads.postgres, house.roads.sessions, house.roads.broker],
}


def redeemed(phone: Handset) -> str:
    return f"Code accepted. RWF 5,000 is being sent to {phone.phone}. You will get an SMS."


def timed(act: Callable[[], str]) -> str:
    """What the customer reads. `CON`/`END` and status 200 are the handset's own demands."""
    started = time.monotonic()
    words = act()
    took = time.monotonic() - started
    assert took < DEADLINE, f"{took:.1f} s for {words!r}"
    return words


def at_once(*acts: Callable[[], str]) -> list[str]:
    """Several customers beside each other."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [words.result() for words in [pool.submit(timed, act) for act in acts]]


def hear_and_finish(house: House, phone: Handset, code: PromoCode) -> None:
    """The customer redials when all is well: what became of the money comes first, and the code works or worked."""
    is_redeemed = Redemption.objects.filter(promo_code=code).exists()
    again = house.redial(phone)
    assert again.last.text in ([ON_ITS_WAY, PAID] if is_redeemed else [PROMPT])
    assert again.type(str(code)) == (OWN if is_redeemed else redeemed(phone))


@pytest.mark.parametrize("how", ["gone", "hangs"])
@pytest.mark.parametrize("what", ROADS)
def test_outage_at_every_turn(what: str, how: str, house: House) -> None:
    typing, dialling, quick = house.new_phone(), house.new_phone(), house.new_phone()
    codes = [house.new_code() for _phone in range(3)]
    assert typing.dial() == PROMPT
    # Dialled with the code behind the service code: one turn does everything.
    quick.inputs = (str(codes[2]),)

    for road in ROADS[what](house):
        road.close() if how == "gone" else road.hang()
    said = at_once(lambda: typing.type(str(codes[0])), dialling.dial, quick.dial)
    house.recover()
    # Claims that hung arrive after all, and hold the phones of turns long answered until the deadline is over.
    let_redis_age(10)

    if what == "redis":
        # Nothing is lost but sessions.
        assert said == [redeemed(typing), PROMPT, redeemed(quick)]
    else:
        assert said == [NOT_USED, TROUBLE, NOT_USED]
    for phone, code in zip([typing, dialling, quick], codes, strict=True):
        hear_and_finish(house, phone, code)
    house.assert_paid_once(*codes)


@pytest.mark.parametrize("then", ["cut", "close"])
@pytest.mark.parametrize("stored", [False, True], ids=["before commit", "after commit"])
def test_postgres_dies_at_the_commit(stored: bool, then: Then, house: House) -> None:
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    sprung = house.roads.postgres.trap(b"COMMIT", first=b'"promos_redemption"', then=then, deliver=stored)

    said = timed(lambda: phone.type(str(code)))

    # Nobody here can know whether it was stored.
    assert (sprung.is_set(), said) == (True, UNSURE)
    assert Redemption.objects.filter(promo_code=code).exists() == stored
    house.recover()
    assert phone.repeat() in (UNSURE, redeemed(phone))
    hear_and_finish(house, phone, code)
    house.assert_paid_once(code)


def test_commit_arrives_long_after_the_customer_was_answered(house: House) -> None:
    """The network holds it back, and gives it to the server when we have given up."""
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    house.roads.postgres.trap(b"COMMIT", first=b'"promos_redemption"', then="hang")

    assert timed(lambda: phone.type(str(code))) == UNSURE

    assert not Redemption.objects.filter(promo_code=code).exists()
    house.recover()
    house.wait_until(Redemption.objects.filter(promo_code=code).exists, seconds=30, what="the late commit")
    hear_and_finish(house, phone, code)
    house.assert_paid_once(code)


@pytest.mark.parametrize("statement", [b'INSERT INTO "disbursements_disbursement"', b'INSERT INTO "ledger_entry"'])
def test_postgres_dies_under_the_redemption(statement: bytes, house: House) -> None:
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    sprung = house.roads.postgres.trap(statement, then="cut", deliver=True)

    said = timed(lambda: phone.type(str(code)))

    assert (sprung.is_set(), said) == (True, NOT_USED)
    assert not Redemption.objects.filter(promo_code=code).exists()
    hear_and_finish(house, phone, code)
    house.assert_paid_once(code)


@pytest.mark.parametrize("kept", [False, True], ids=["nothing kept", "kept, not answered"])
def test_redis_dies_between_loading_and_keeping_the_session(kept: bool, house: House) -> None:
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    # The script that keeps session and reply.
    sprung = house.roads.sessions.trap(b"HSETNX", then="close", deliver=kept)

    said = timed(lambda: phone.type(str(code)))

    assert (sprung.is_set(), said) == (True, redeemed(phone))
    # The network delivers the turn once more, to a web process without Redis.
    assert timed(phone.repeat) == redeemed(phone)
    house.recover()
    assert Redemption.objects.filter(promo_code=code).count() == 1
    house.assert_paid_once(code)


@pytest.mark.parametrize("how", ["gone", "hangs"])
def test_broker_is_away_at_the_nudge(how: str, house: House) -> None:
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    house.roads.broker.close() if how == "gone" else house.roads.broker.hang()

    assert timed(lambda: phone.type(str(code))) == redeemed(phone)

    assert Disbursement.objects.get(key=f"promo:code:{code.pk}").status == "queued"
    house.recover()
    house.assert_paid_once(code)


def test_web_process_is_killed_while_it_commits(house: House) -> None:
    """SIGKILL to gunicorn's whole process group; the commit arrives when nobody is left to hear of it."""
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    sprung = house.roads.postgres.trap(b"COMMIT", first=b'"promos_redemption"', then="hang")
    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(phone.type, str(code))
        assert sprung.wait(60)
        house.kill("web")
        # The gateway shows an error of its own.
        assert isinstance(turn.exception(60), NoAnswer)

    house.roads.open()
    house.wait_until(Redemption.objects.filter(promo_code=code).exists, seconds=30, what="the late commit")
    house.recover(seconds=100)
    # The dead process held the phone's turn until the deadline.
    let_redis_age(10)
    hear_and_finish(house, phone, code)
    house.assert_paid_once(code)
