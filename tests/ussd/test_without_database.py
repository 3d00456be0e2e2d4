"""PostgreSQL is gone, hangs, is locked or is lost on the way: the customer hears the truth before the deadline."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections, transaction
from django.db.utils import OperationalError

from accounts.models import User
from configuration.selectors import current
from promos.locks import lock_customer
from promos.models import PromoCode, Redemption
from tests.support.ports import closed_port
from tests.ussd.conftest import PROMO
from tests.ussd.dialling import Handset, address_of
from tests.ussd.outages import database_at, silent_server
from ussd import connecting, guard
from ussd.configuration import UssdSettings
from ussd.models import Gateway
from ussd.selectors import active_gateways, forget_gateways

pytestmark = pytest.mark.django_db(transaction=True)

DEADLINE = 8.0
NOT_USED = "Service is having trouble. Your code was not used. Dial again in a few minutes."
UNSURE = "We could not finish in time. Dial again in a few minutes to hear what became of your code."
TROUBLE = "Service is having trouble. Please dial again in a few minutes."
REDEEMED = "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS."


@pytest.fixture
def phone(africas_talking: Gateway, aline: User, codes: list[PromoCode]) -> Handset:
    """Aline's phone; the process has answered turns before."""
    active_gateways()
    current(UssdSettings)
    return Handset(africas_talking, aline.phone, PROMO)


@pytest.fixture(params=["gone", "silent"])
def no_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Takes PostgreSQL away for a block: nobody listens, or somebody listens and never answers."""
    if request.param == "gone":
        yield lambda: database_at(monkeypatch, closed_port())
        return
    with silent_server() as port:
        yield lambda: database_at(monkeypatch, port)


def test_dial_says_so_in_time(phone: Handset, no_database: Callable) -> None:
    started = time.monotonic()

    with no_database():
        assert phone.dial() == TROUBLE
        assert phone.ended
    assert time.monotonic() - started < DEADLINE


def test_code_dialled_directly_is_not_used(phone: Handset, codes: list[PromoCode], no_database: Callable) -> None:
    phone.inputs = (str(codes[0]),)

    with no_database():
        assert phone.dial() == NOT_USED
    assert Redemption.objects.count() == 0


def test_outage_is_waited_for_once(phone: Handset, no_database: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    handover = connecting._Handover
    monkeypatch.setattr(connecting, "_Handover", lambda ask: asked.append(ask) or handover(ask))
    # However slowly the dials follow each other.
    monkeypatch.setattr(connecting, "REST_AFTER_FAILURE", 60)
    with no_database():
        phone.dial()
        for _dial in range(5):
            assert Handset(phone.gateway, phone.phone, PROMO).dial() == TROUBLE
    assert len(asked) == 1


def test_typed_code_is_not_used_and_works_later(phone: Handset, codes: list[PromoCode], no_database: Callable) -> None:
    phone.dial()
    started = time.monotonic()

    with no_database():
        assert phone.type(str(codes[0])) == NOT_USED
        assert phone.repeat() == NOT_USED
    assert time.monotonic() - started < DEADLINE
    assert Redemption.objects.count() == 0
    later = Handset(phone.gateway, phone.phone, PROMO)
    later.dial()
    assert later.type(str(codes[0])) == REDEEMED


def test_process_that_never_saw_the_database_answers_too(phone: Handset, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_of(phone.gateway)
    forget_gateways()
    started = time.monotonic()

    with database_at(monkeypatch, closed_port()):
        response = phone.line._client.post(address, "sessionId=a", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.content) == (200, b"END Service temporarily unavailable.")
    assert time.monotonic() - started < DEADLINE


def test_locked_customer_does_not_keep_the_caller_waiting(phone: Handset, aline: User, codes: list[PromoCode]) -> None:
    phone.dial()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lock_customer(aline.pk, wait_seconds=1)
                held.set()
                done.wait(60)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    started = time.monotonic()
    reply = phone.type(str(codes[0]))
    took = time.monotonic() - started
    done.set()
    holder.join()

    assert reply == "We could not check your code now. Please try again in a few minutes."
    assert took < DEADLINE
    assert Redemption.objects.count() == 0


def test_statement_that_hangs_is_cancelled(
    phone: Handset, aline: User, codes: list[PromoCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(**_kwargs: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr("ussd.journeys.promo.redeem_code", sleep)
    phone.dial()
    started = time.monotonic()

    assert phone.type(str(codes[0])) == NOT_USED
    assert DEADLINE - 2 < time.monotonic() - started < DEADLINE


def test_connection_lost_at_commit_leaves_it_open_what_happened(
    phone: Handset, codes: list[PromoCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = type(connections["default"])
    real = wrapper._commit

    def commit_then_lose(self: object) -> None:
        real(self)
        self.connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    phone.dial()
    with monkeypatch.context() as patch:
        patch.setattr(wrapper, "_commit", commit_then_lose)
        assert phone.type(str(codes[0])) == UNSURE
    connection.close()

    assert Redemption.objects.count() == 1
    again = Handset(phone.gateway, phone.phone, PROMO)
    assert again.dial() == "RWF 5,000 is on its way to you.\nWelcome to Starhash.\nEnter your promo code:"


def test_restarted_server_costs_no_turn(phone: Handset, codes: list[PromoCode]) -> None:
    phone.dial()
    # A connection from a pool that the server has closed meanwhile.
    connection.ensure_connection()
    connection.connection.close()

    reply = guard.run_guarded(User.objects.count, clock=_fresh_clock())

    assert reply == 1
    assert phone.type(str(codes[0])) == REDEEMED


def _fresh_clock() -> "guard.Clock":
    return guard.Clock(time.monotonic(), DEADLINE)
