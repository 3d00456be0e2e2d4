"""Servers that die or hang under the worker: customers notice nothing, and afterwards every code is paid once."""

import time

import pytest
from django.conf import settings
from django_redis import get_redis_connection

from disbursements.models import Attempt, Disbursement
from promos.models import PromoCode
from tests.outages.house import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(400)]

# Longer than every time limit of the client in this house.
SECONDS_AWAY = 3


def redeem(house: House) -> PromoCode:
    """Somebody redeems a code, whatever goes on behind."""
    phone, code = house.new_phone(), house.new_code()
    phone.dial()
    assert phone.type(str(code)) == f"Code accepted. RWF 5,000 is being sent to {phone.phone}. You will get an SMS."
    return code


def payout_of(code: PromoCode) -> Disbursement:
    return Disbursement.objects.get(key=f"promo:code:{code.pk}")


@pytest.mark.parametrize("how", ["gone", "hangs"])
def test_provider_is_away(how: str, house: House) -> None:
    house.roads.provider.close() if how == "gone" else house.roads.provider.hang()

    codes = [redeem(house) for _customer in range(3)]
    end = time.monotonic() + SECONDS_AWAY
    while time.monotonic() < end:
        house.sweep()
        time.sleep(0.3)
    assert {payout_of(code).status for code in codes} <= {"queued", "processing"}
    # Nothing that could be paid twice: one reference each at most, however often it was tried.
    assert all(payout_of(code).attempts.count() <= 1 for code in codes)

    house.recover()
    house.assert_paid_once(*codes)
    assert Attempt.objects.filter(disbursement__key__in=[f"promo:code:{code.pk}" for code in codes]).count() == 3


@pytest.mark.parametrize("how", ["gone", "hangs"])
def test_postgres_is_away_from_the_worker(how: str, house: House) -> None:
    house.roads.worker_postgres.close() if how == "gone" else house.roads.worker_postgres.hang()

    codes = [redeem(house) for _customer in range(3)]
    house.sweep()
    time.sleep(SECONDS_AWAY)
    assert {payout_of(code).status for code in codes} == {"queued"}

    house.recover()
    house.assert_paid_once(*codes)


STATEMENTS = {
    "storing the reference": (b"COMMIT", b'INSERT INTO "disbursements_attempt"'),
    # Not on the connection that stored the reference: it goes back to the pool while the provider is spoken with.
    "writing down the answer": (b'UPDATE "disbursements_attempt"', b""),
    "settling": (b"COMMIT", b'UPDATE "promos_redemption"'),
}


@pytest.mark.parametrize("stored", [False, True], ids=["not stored", "stored"])
@pytest.mark.parametrize("act", STATEMENTS)
def test_postgres_dies_under_the_worker(act: str, stored: bool, house: House) -> None:
    """The connection is lost at that statement: the server has carried it out, or never got it."""
    word, first = STATEMENTS[act]
    sprung = house.roads.worker_postgres.trap(word, first=first, then="cut", deliver=stored)

    code = redeem(house)

    house.sweep_until(sprung, what="the connection to be lost")
    house.assert_paid_once(code)


def test_redis_dies_under_the_worker_and_comes_back_empty(house: House) -> None:
    """Queues, tokens, the breaker: nothing in Redis is needed to pay what is owed."""
    before = redeem(house)
    house.roads.worker_redis.close()
    house.roads.broker.close()
    during = redeem(house)
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000):
        client.delete(key)
    time.sleep(1)

    house.recover()
    house.assert_paid_once(before, during, redeem(house))


def test_redis_hangs_under_the_worker(house: House) -> None:
    before = redeem(house)
    house.roads.worker_redis.hang()
    during = redeem(house)
    time.sleep(SECONDS_AWAY)

    house.recover()
    house.assert_paid_once(before, during)


def test_worker_is_killed_while_it_speaks_with_the_provider(house: House) -> None:
    """SIGKILL to Celery's whole process group; whoever watches over it starts it again."""
    sprung = house.roads.provider.trap(b"POST /disbursement/v1_0/transfer", then="hang")
    code = redeem(house)
    house.sweep_until(sprung, what="a transfer to be under way")

    house.kill("worker")

    assert payout_of(code).status == "processing"
    # What hung arrives after all, from a process that is no more.
    house.recover()
    house.assert_paid_once(code)
