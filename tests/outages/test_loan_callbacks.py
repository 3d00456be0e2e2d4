"""Servers that die or hang under the two callbacks: words in time, and afterwards one loan, one transfer.

Over HTTP to the real web process; the worker goes on by roads of its own. What no test here allows is a second loan, an
error page, or silence.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from disbursements.models import Disbursement
from loans.models import CreditProfile, Loan
from tests.outages.house import House
from tests.outages.lending import OFFERS, ROADS, TAKEN, UNAVAILABLE, MiddleServer, at_once, loans_of
from tests.support.redis_time import let_redis_age
from tests.support.tcp_proxy import Then

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(400)]

# The dead process held the session for so long.
LOCK_SECONDS = 30
INSERT_LOAN = b'INSERT INTO "loans_loan"'


@pytest.fixture
def phone(house: House, partner: MiddleServer) -> str:
    """Of a newcomer who has the offers on the screen."""
    phone = partner.new_borrower()
    assert partner.offer(phone) == OFFERS
    return phone


@pytest.mark.parametrize("how", ["gone", "hangs"])
@pytest.mark.parametrize("what", ROADS)
def test_outage_at_every_callback(what: str, how: str, phone: str, house: House, partner: MiddleServer) -> None:
    asking, at_once_approving = partner.new_borrower(), partner.new_borrower()

    for road in ROADS[what](house):
        road.close() if how == "gone" else road.hang()
    said = at_once(
        lambda: partner.approve(phone), lambda: partner.offer(asking), lambda: partner.approve(at_once_approving)
    )
    house.recover()
    # What hung arrives after all, and holds sessions of requests long answered.
    let_redis_age(LOCK_SECONDS)

    if what == "redis":
        # Without its session an approval is judged by the same rules.
        assert said == [TAKEN, OFFERS, TAKEN]
    else:
        assert said == [UNAVAILABLE] * 3
        assert not loans_of(phone) + loans_of(asking) + loans_of(at_once_approving)
    for borrower in (phone, asking, at_once_approving):
        partner.finish(borrower)
    partner.assert_lent_once(phone, asking, at_once_approving)


@pytest.mark.parametrize(
    "statement", [INSERT_LOAN, b'INSERT INTO "disbursements_disbursement"', b'INSERT INTO "loans_credit_profile"']
)
def test_postgres_dies_under_the_approval(statement: bytes, phone: str, house: House, partner: MiddleServer) -> None:
    """The server has carried the statement out, and nobody hears of it: everything is rolled back."""
    sprung = house.roads.postgres.trap(statement, then="cut", deliver=True)

    said = partner.approve(phone)

    assert (sprung.is_set(), said) == (True, UNAVAILABLE)
    assert not loans_of(phone)
    assert not Disbursement.objects.filter(payee=phone).exists()
    assert not CreditProfile.objects.filter(customer__phone=phone).exists()
    partner.finish(phone)
    partner.assert_lent_once(phone)


@pytest.mark.parametrize("then", ["cut", "close"])
@pytest.mark.parametrize("stored", [False, True], ids=["before commit", "after commit"])
def test_postgres_dies_at_the_commit_of_an_approval(
    stored: bool, then: Then, phone: str, house: House, partner: MiddleServer
) -> None:
    sprung = house.roads.postgres.trap(b"COMMIT", first=INSERT_LOAN, then=then, deliver=stored)

    said = partner.approve(phone)

    # Nobody here can know whether it was stored; a repeat will tell.
    assert (sprung.is_set(), said) == (True, UNAVAILABLE)
    assert len(loans_of(phone)) == stored
    house.recover()
    partner.finish(phone)
    partner.assert_lent_once(phone)


def test_commit_of_an_approval_arrives_long_after_the_answer(phone: str, house: House, partner: MiddleServer) -> None:
    """The network holds it back, and gives it to the server when we have given up."""
    house.roads.postgres.trap(b"COMMIT", first=INSERT_LOAN, then="hang")

    assert partner.approve(phone) == UNAVAILABLE

    assert not loans_of(phone)
    house.recover()
    house.wait_until(lambda: loans_of(phone), seconds=60, what="the late commit")
    partner.finish(phone)
    partner.assert_lent_once(phone)


def test_web_process_is_killed_while_it_commits_a_loan(phone: str, house: House, partner: MiddleServer) -> None:
    """SIGKILL to gunicorn's whole process group; the commit arrives when nobody is left to hear of it."""
    sprung = house.roads.postgres.trap(b"COMMIT", first=INSERT_LOAN, then="hang")
    with ThreadPoolExecutor(1) as pool:
        approval = pool.submit(partner.approve, phone)
        assert sprung.wait(60)
        house.kill("web")
        # The gateway shows an error of its own.
        assert isinstance(approval.exception(60), requests.RequestException)

    house.roads.open()
    house.wait_until(lambda: loans_of(phone), seconds=60, what="the late commit")
    house.recover(seconds=100)
    let_redis_age(LOCK_SECONDS)
    partner.finish(phone)
    partner.assert_lent_once(phone)


# Which word of Redis is the last: the session, the lock, the first answer.
WORDS = {"reading the session": b":session", "taking the lock": b":loan:lock:", "keeping the answer": b'"due_date"'}


@pytest.mark.parametrize("then", ["close", "hang"])
@pytest.mark.parametrize("act", WORDS)
def test_redis_dies_under_the_approval(act: str, then: Then, phone: str, house: House, partner: MiddleServer) -> None:
    sprung = house.roads.sessions.trap(WORDS[act], then=then)

    said = partner.approve(phone)

    assert (sprung.is_set(), said) == (True, TAKEN)
    # The network delivers it once more, to a web process without Redis; and again when Redis is back.
    assert partner.approve(phone) == TAKEN
    house.recover()
    let_redis_age(LOCK_SECONDS)
    assert partner.approve(phone) == TAKEN
    assert len(loans_of(phone)) == 1
    partner.assert_lent_once(phone)


@pytest.mark.parametrize("how", ["gone", "hangs"])
def test_broker_is_away_when_a_loan_is_made(how: str, phone: str, house: House, partner: MiddleServer) -> None:
    house.roads.broker.close() if how == "gone" else house.roads.broker.hang()

    assert partner.approve(phone) == TAKEN

    assert Loan.objects.get(phone=phone).disbursement.status == "queued"
    house.recover()
    partner.assert_lent_once(phone)
