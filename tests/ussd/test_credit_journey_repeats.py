"""A consent that comes again makes one loan and gets the same words, with Redis, without it, and when it goes away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from configuration.services import change_category
from disbursements.models import Disbursement
from loans.configuration import CreditSettings, LoanSettings
from loans.models import Loan
from tests.ussd.lending import MAIN, OFFERS, TAKEN, make_borrower, make_line, phone_of, take_loan
from tests.ussd.outages import closed_port, move_redis, silent_server
from ussd.models import Gateway
from ussd.session_index import clear_sessions
from ussd.statuses import GatewayKind
from ussd.store import Claim, Store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=GatewayKind.values)
def line(request: pytest.FixtureRequest, now: datetime) -> Gateway:
    """Each kind of gateway in turn."""
    return make_line(request.param, at=now)


@pytest.fixture
def at_line(now: datetime) -> Gateway:
    return make_line(GatewayKind.AFRICAS_TALKING, at=now)


@pytest.fixture(autouse=True)
def ada(now: datetime) -> User:
    return make_borrower(at=now)


@pytest.fixture(params=["gone", "silent"])
def dead_redis(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """No sessions: nobody listens, or somebody listens and never answers."""
    if request.param == "gone":
        move_redis(settings, closed_port())
        yield
    else:
        with silent_server() as port:
            move_redis(settings, port)
            yield


def one_loan() -> bool:
    return Loan.objects.count() == Disbursement.objects.count() == 1


def test_repeated_consent_gets_the_same_words(line: Gateway) -> None:
    phone = phone_of(line)
    assert take_loan(phone) == TAKEN

    assert [phone.repeat() for _time in range(3)] == [TAKEN] * 3
    assert phone.ended
    assert one_loan()


@pytest.mark.parametrize("with_claims", [True, False])
def test_twenty_deliveries_of_the_consent_at_once_make_one_loan(
    line: Gateway, monkeypatch: pytest.MonkeyPatch, with_claims: bool
) -> None:
    phone = phone_of(line)
    phone.dial()
    phone.type("1")
    phone.type("3")
    session = Store.claim

    def claim_everything(self: Store, *, turns_per_minute: int) -> Claim:
        return Claim("granted", session=session(self, turns_per_minute=turns_per_minute).session)

    # Without the claim every delivery reaches lending, which keeps it to one by itself.
    if not with_claims:
        monkeypatch.setattr(Store, "claim", claim_everything)
    barrier = Barrier(20)

    def deliver() -> str:
        try:
            barrier.wait()
            return phone_of(line, session_id=phone.session_id, inputs=phone.inputs).type("1")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        replies = [future.result() for future in [pool.submit(deliver) for _copy in range(20)]]

    assert TAKEN in replies
    assert one_loan()
    if with_claims:
        assert set(replies) == {TAKEN}


def test_loan_is_taken_without_redis(at_line: Gateway, dead_redis: None) -> None:
    phone = phone_of(at_line)

    assert phone.dial() == MAIN
    assert phone.type("1") == OFFERS
    assert phone.type("1").startswith("Get 4,500. Repay 5,000 by ")
    assert phone.type("1") == TAKEN
    assert phone.repeat() == TAKEN
    assert one_loan()


def test_newcomer_takes_a_loan_without_redis(at_line: Gateway, settings: Any) -> None:
    move_redis(settings, closed_port())
    User.objects.update(language="")
    phone = phone_of(at_line)

    assert phone.dial().startswith("Choose your language:")
    assert phone.type("1") == MAIN
    assert phone.type("1") == OFFERS
    phone.type("3")
    assert phone.type("1") == TAKEN
    assert phone.repeat() == TAKEN
    assert one_loan()


@pytest.mark.parametrize("lost", ["redis", "session"])
def test_repeat_without_our_memory_of_it_makes_no_second_loan(
    at_line: Gateway, settings: Any, now: datetime, lost: str
) -> None:
    # After the first loan this customer would be offered twice as much, and at once.
    tiers = [{"score_from": 0, "score_to": 850, "amount": "20000"}]
    more = {"amount_tiers": tiers, "starting_limit": 90_000}
    change_category(CreditSettings, changes=more, changed_by=None, reason="More", at=now)
    change_category(LoanSettings, changes={"cooldown_minutes": 0}, changed_by=None, reason="None", at=now)
    phone = phone_of(at_line)
    assert take_loan(phone) == TAKEN

    if lost == "redis":
        move_redis(settings, closed_port())
    else:
        clear_sessions()
    assert phone.repeat() == TAKEN
    assert phone.ended
    assert one_loan()


def test_redis_that_goes_away_before_the_consent(at_line: Gateway, settings: Any) -> None:
    phone = phone_of(at_line)
    phone.dial()
    phone.type("1")
    phone.type("2")
    move_redis(settings, closed_port())

    assert phone.type("1") == TAKEN
    assert phone.repeat() == TAKEN
    assert Loan.objects.get().amount == 7_500
    assert one_loan()


def test_two_gateways_with_one_session_id_are_two_dialogues(at_line: Gateway, now: datetime) -> None:
    change_category(LoanSettings, changes={"cooldown_minutes": 0}, changed_by=None, reason="None", at=now)
    change_category(CreditSettings, changes={"starting_limit": 90_000}, changed_by=None, reason="Room", at=now)
    User.objects.update(network="MTN NG")
    other = make_line(GatewayKind.JSON, at=now)
    first = phone_of(at_line, session_id="the-same")
    assert take_loan(first, option="1") == TAKEN

    phone = phone_of(other, session_id="the-same")
    phone.dial()
    assert phone.type("1").startswith("Choose a loan (NGN):")
