"""PostgreSQL goes away under the credit line: the customer hears what did not happen. And any input fits a screen."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from configuration.selectors import current
from configuration.services import change_category
from loans.models import CollectionRequest, Loan
from notifications.gsm7 import is_gsm7, septets
from tests.ussd.dialling import address_of
from tests.ussd.lending import ADA, CREDIT, TAKEN, make_borrower, make_line, phone_of, settle, take_loan
from tests.ussd.outages import closed_port, database_at, silent_server
from ussd.configuration import UssdSettings
from ussd.models import Gateway
from ussd.selectors import active_gateways
from ussd.statuses import GatewayKind

pytestmark = pytest.mark.django_db(transaction=True)

DEADLINE = 8.0
NO_LOAN = "Service is having trouble. No loan was made. Dial again in a few minutes."
NOT_ASKED = "Service is having trouble. No money was asked for. Dial again in a few minutes."


@pytest.fixture
def line(now: datetime) -> Gateway:
    """The process has answered turns before."""
    line = make_line(GatewayKind.AFRICAS_TALKING, at=now)
    active_gateways()
    current(UssdSettings)
    return line


@pytest.fixture(autouse=True)
def ada(now: datetime) -> User:
    return make_borrower(at=now)


@pytest.fixture(params=["gone", "silent"])
def no_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Takes PostgreSQL away for a block: nobody listens, or somebody listens and never answers."""
    if request.param == "gone":
        yield lambda: database_at(monkeypatch, closed_port())
        return
    with silent_server() as port:
        yield lambda: database_at(monkeypatch, port)


def test_consent_without_the_database_makes_no_loan_and_says_so(line: Gateway, no_database: Callable[[], Any]) -> None:
    phone = phone_of(line)
    phone.dial()
    phone.type("1")
    phone.type("3")
    started = time.monotonic()

    with no_database():
        assert phone.type("1") == NO_LOAN
    assert time.monotonic() - started < DEADLINE
    assert phone.ended
    assert Loan.objects.count() == 0
    assert take_loan(phone_of(line)) == TAKEN


def test_repaying_without_the_database_asks_for_nothing_and_says_so(
    line: Gateway, now: datetime, no_database: Callable[[], Any]
) -> None:
    take_loan(phone_of(line))
    settle(Loan.objects.get(), "on_paid", now)
    phone = phone_of(line)
    phone.dial()
    phone.type("3")
    phone.type("1")

    with no_database():
        assert phone.type("1") == NOT_ASKED
    assert CollectionRequest.objects.count() == 0


def test_commit_that_nobody_confirmed_is_told_as_unsure_and_the_next_dial_tells_the_truth(
    line: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another customer's loan has opened the accounts and made the year's numbers: one commit is left.
    first = phone_of(line)
    first.phone = str(make_borrower("+2348037654321", at=now).phone)
    take_loan(first)
    phone = phone_of(line)
    phone.dial()
    phone.type("1")
    phone.type("3")
    real = connection.commit

    def lose_the_answer() -> None:
        real()
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "commit", lose_the_answer)
        words = phone.type("1")
    assert words == "We could not finish in time. Dial again in a few minutes to hear about your loan."
    assert Loan.objects.filter(phone=ADA).count() == 1

    assert phone_of(line).dial().startswith("Your loan of NGN 9,000 is on its way to you.\n")


typed = st.one_of(
    st.sampled_from(["", "0", "00", "98", "1", "2", "3", "4", "5", "10000", "1*", "#", "\uff12", "-1", "1.5", "999"]),
    st.text(max_size=60),
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(inputs=st.lists(typed, max_size=8), session=st.integers(0, 3))
def test_any_dialogue_gets_words_that_fit(ready: tuple[Client, str], inputs: list[str], session: int) -> None:
    client, address = ready
    for count in range(len(inputs) + 1):
        fields = {
            "sessionId": f"ATUid_{session}",
            "phoneNumber": ADA,
            "networkCode": "62130",
            "serviceCode": CREDIT,
            "text": "*".join(inputs[:count]),
        }
        response = client.post(
            address, urlencode(fields, errors="surrogatepass"), content_type="application/x-www-form-urlencoded"
        )
        text = response.content.decode()
        assert response.status_code == 200
        assert text.startswith(("CON ", "END "))
        assert is_gsm7(text), text
        assert septets(text) <= 160, text
        assert not text.startswith(("END Service busy", "END Something went wrong")), text
    # The pause between loans lasts longer than this test.
    assert Loan.objects.count() <= 1


@pytest.fixture
def ready(line: Gateway, client: Client, now: datetime) -> tuple[Client, str]:
    """Nobody is told to slow down."""
    change_category(UssdSettings, changes={"turns_per_minute": 10_000}, changed_by=None, reason="Fuzz", at=now)
    return client, address_of(line)
