"""A partner's middle server at the house: it asks for loans over HTTP, and waits as long as gateways do."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import requests

from accounts.services.tokens import create_token
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments
from loans.models import Loan
from tests.crash.loans import lent_once, make_borrower, story_of
from tests.crash.payouts import CREDENTIALS
from tests.outages.house import BEAT_SECONDS, House
from tests.support.tcp_proxy import TcpProxy

# Seconds after which a gateway shows an error of its own.
DEADLINE = 10
OFFERS = "CON You qualify for:\n1. 5,000\n2. 7,500\n3. 10,000\nSelect option (1-3):"
TAKEN = "END Your loan is being processed. You will be notified shortly."
UNAVAILABLE = "END Service temporarily unavailable."
# While all is well again and connections find out one by one.
SETTLING_SECONDS = 60

ROADS: dict[str, Callable[[House], list[TcpProxy]]] = {
    "postgres": lambda house: [house.roads.postgres],
    "redis": lambda house: [house.roads.sessions, house.roads.broker],
    "both": lambda house: [house.roads.postgres, house.roads.sessions, house.roads.broker],
}


@dataclass
class MiddleServer:
    """What it reads is what the customer reads: status 200, and words."""

    house: House
    token: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_borrower(self) -> str:
        """The phone of somebody who has dialled before and never borrowed."""
        return str(make_borrower(next(self._numbers)).phone)

    def offer(self, phone: str) -> str:
        return self._say("loan-offer", phone, responseType="text")

    def approve(self, phone: str, **selected: Any) -> str:
        """Of all that is offered, unless told otherwise."""
        return self._say("loan-approve", phone, responseType="text", **(selected or {"selectedOption": 3}))

    def approve_as_program(self, phone: str) -> tuple[int, dict[str, Any]]:
        """The same with JSON: status and body."""
        response = self._post("loan-approve", phone, responseType="json", selectedOption=3)
        return response.status_code, response.json()

    def _say(self, callback: str, phone: str, **fields: Any) -> str:
        started = time.monotonic()
        response = self._post(callback, phone, **fields)
        took = time.monotonic() - started
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        assert took < DEADLINE, f"{took:.1f} s for {response.text!r}"
        return response.text

    def _post(self, callback: str, phone: str, **fields: Any) -> requests.Response:
        # Names of sessions are the gateway's own; one customer has one.
        body = {"msisdn": phone, "sessionId": f"session {phone}", "network": "mtn", **fields}
        headers = {"x-api-token": self.token}
        return requests.post(f"{self.house.url}/api/ussd/{callback}", json=body, headers=headers, timeout=60)

    # When all is well again

    def finish(self, phone: str) -> None:
        """The customer approves until it is answered: the same words, whether the loan was made before or is now."""
        end = time.monotonic() + SETTLING_SECONDS
        while (said := self.approve(phone)) == UNAVAILABLE and time.monotonic() < end:
            time.sleep(0.2)
        assert said == TAKEN, self.house.output

    def assert_lent_once(self, *phones: str) -> None:
        """Wait for the workers, with beat behind them; each has one loan, one payout, one transfer."""

        def have_money() -> bool:
            if all(lent_once(story_of(phone, self.house.sandbox)) for phone in phones):
                return True
            self.house.sweep()
            time.sleep(BEAT_SECONDS)
            return False

        with contextlib.suppress(AssertionError):
            self.house.wait_until(have_money, seconds=60, what="loans to be paid out")
        stories = [story_of(phone, self.house.sandbox) for phone in phones]
        assert all(lent_once(story) for story in stories), f"{stories}\n{self.house.output}"


def furnish_lending(house: House, *, at: datetime) -> MiddleServer:
    """The account that pays naira, as impatient as the other, and a partner who may ask for loans."""
    changes = {
        **CREDENTIALS,
        "momo_callbacks_enabled": False,
        "momo_connect_timeout_seconds": 1,
        "momo_read_timeout_seconds": 1,
    }
    change_category(NigeriaPayments, changes=changes, changed_by=None, reason="Test", at=at)
    _token, plain = create_token(partner_email="gateway@partner.example", scopes=["loans"], created_by=None, at=at)
    server = MiddleServer(house, plain)
    # Every process reads its settings anew within seconds, and knows the token from then on.
    phone = server.new_borrower()
    house.wait_until(lambda: server.offer(phone) == OFFERS, seconds=60, what="offers")
    server.finish(phone)
    server.assert_lent_once(phone)
    return server


def at_once(*acts: Callable[[], str]) -> list[str]:
    """Several customers beside each other."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [words.result() for words in [pool.submit(act) for act in acts]]


def loans_of(phone: str) -> list[Loan]:
    return list(Loan.objects.filter(phone=phone))
