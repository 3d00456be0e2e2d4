"""The two callbacks while Redis or PostgreSQL is gone or hangs: words in time, nothing twice, never a 500."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts.models import User
from disbursements.models import Disbursement
from loans.models import Loan, Offer
from loans.services import approvals
from tests.loans.partner import APPROVE, OFFER, PROCESSING, Partner, written
from tests.ussd.outages import closed_port, database_at, move_redis, silent_server
from ussd.loan_callbacks import views

pytestmark = pytest.mark.django_db(transaction=True)
UNAVAILABLE = "END Service temporarily unavailable."
# Seconds within which a gateway wants its answer.
DEADLINE = 10


@pytest.fixture
def partner(alice: User) -> Partner:
    """Known to this process."""
    partner = Partner()
    assert partner.offer()["status"] == "success"
    return partner


def test_loan_is_made_once_without_redis(partner: Partner, settings: Any) -> None:
    move_redis(settings, closed_port())

    assert partner.offer(sessionId="sess-9", mode="text").startswith("CON You qualify for:")
    answers = [partner.approve(sessionId="sess-9") for _time in range(3)]

    assert answers[0]["status"] == "processing"
    assert answers == [answers[0]] * 3
    assert Loan.objects.count() == Disbursement.objects.count() == 1
    # The offer is on record nevertheless.
    assert Offer.objects.filter(session_id="sess-9").exists()


def test_redis_lost_between_offer_and_approval(partner: Partner, settings: Any) -> None:
    move_redis(settings, closed_port())

    assert partner.approve()["loan"]["amount"] == 7500


def test_redis_lost_between_approval_and_repeat(partner: Partner, settings: Any) -> None:
    first = partner.approve()
    move_redis(settings, closed_port())

    assert partner.approve() == first
    assert partner.approve(sessionId="another")["code"] == "COOLDOWN_ACTIVE"
    assert Loan.objects.count() == 1


def test_redis_back_with_an_older_session_still_makes_one_loan(partner: Partner, settings: Any) -> None:
    """Approved without Redis, repeated when it is there again: the first answer, and never a second loan."""
    caches = settings.CACHES
    move_redis(settings, closed_port())
    first = partner.approve()
    assert first["status"] == "processing"
    settings.CACHES = caches

    assert partner.approve() == first
    assert Loan.objects.count() == Disbursement.objects.count() == 1


def test_redis_that_never_answers_costs_seconds_not_the_turn(partner: Partner, settings: Any) -> None:
    with silent_server() as port:
        move_redis(settings, port)
        started = time.monotonic()
        assert partner.approve(mode="text") == f"END {PROCESSING}"
        assert time.monotonic() - started < DEADLINE
    assert Loan.objects.count() == 1


@pytest.fixture(params=["gone", "silent"])
def dead_database(request: pytest.FixtureRequest, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "gone":
        with database_at(monkeypatch, closed_port()):
            yield
    else:
        with silent_server() as port, database_at(monkeypatch, port):
            yield


@pytest.mark.parametrize("path", [OFFER, APPROVE])
def test_dead_database_is_told_in_time(dead_database: None, partner: Partner, path: str) -> None:
    body = {"msisdn": "+2348031234567", "sessionId": "s", "selectedOption": 2}
    started = time.monotonic()

    text = partner.post(path, body)
    assert (text.status_code, text.content.decode()) == (200, UNAVAILABLE)
    assert time.monotonic() - started < DEADLINE
    in_json = partner.post(path, {**body, "responseType": "json"})
    assert (in_json.status_code, in_json.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


def test_database_lost_under_the_approval_writes_nothing_and_the_repeat_makes_the_loan(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = approvals.record

    def cut_before_recording(*args: Any, **kwargs: Any) -> Any:
        connection.connection.close()
        return record(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(approvals, "record", cut_before_recording)
        assert partner.approve(mode="text") == UNAVAILABLE
    connection.close()
    assert written() == (0, 0, 0)

    assert partner.approve()["loan"]["amount"] == 7500


def test_commit_whose_answer_was_lost_is_found_by_the_repeat(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loan is there; the first caller could not be told."""
    decide = approvals._decide

    def lose_the_answer(*args: Any) -> Any:
        decide(*args)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(approvals, "_decide", lose_the_answer)
        assert partner.approve()["code"] == "SERVICE_UNAVAILABLE"

    answer = partner.approve()
    assert answer["loan"]["id"] == str(Loan.objects.get().pk)
    assert Disbursement.objects.count() == 1


@pytest.mark.parametrize("path", [OFFER, APPROVE])
def test_what_nobody_foresaw_is_unavailable_and_logged(
    partner: Partner, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_asked: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(views, "make_offers", fail)
    monkeypatch.setattr(views, "approve_offer", fail)

    response = partner.post(path, {"msisdn": "+2348031234567", "sessionId": "s", "selectedOption": 2})

    assert (response.status_code, response.content.decode()) == (200, UNAVAILABLE)
