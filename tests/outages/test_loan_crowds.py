"""Fifty approvals at once in one session, while Redis stops half-way: one loan, one transfer, fifty equal answers."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from loans.models import Loan
from tests.outages.house import House
from tests.outages.lending import OFFERS, MiddleServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(400)]

MANY = 50
# Where the first of them is when Redis stops: nobody has the lock; one has it and nobody is answered; one is answered.
WORDS = {"reading the session": b":session", "taking the lock": b":loan:lock:", "keeping the answer": b'"due_date"'}


def approve_together(partner: MiddleServer, phone: str) -> list[tuple[int, dict[str, Any]]]:
    barrier = Barrier(MANY)

    def approve(_number: int) -> tuple[int, dict[str, Any]]:
        barrier.wait()
        return partner.approve_as_program(phone)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(approve, range(MANY)))


@pytest.mark.parametrize("delivered", [False, True], ids=["not delivered", "delivered"])
@pytest.mark.parametrize("act", WORDS)
def test_fifty_approvals_at_once_while_redis_stops(
    act: str, delivered: bool, house: House, partner: MiddleServer
) -> None:
    phone = partner.new_borrower()
    assert partner.offer(phone) == OFFERS
    sprung = house.roads.sessions.trap(WORDS[act], then="close", deliver=delivered)

    answers = approve_together(partner, phone)

    assert sprung.is_set()
    (loan,) = Loan.objects.filter(phone=phone)
    assert answers == [answers[0]] * MANY, [body for _status, body in answers if body != answers[0][1]]
    status, body = answers[0]
    assert (status, body["status"], body["loan"]["id"]) == (200, "processing", str(loan.pk))
    house.recover()
    assert partner.approve_as_program(phone) == (status, body)
    partner.assert_lent_once(phone)
