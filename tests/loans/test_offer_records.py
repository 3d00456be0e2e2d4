"""The log of offers: every offer is stored once, with its explanation, off the hot path."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_redis import get_redis_connection

from accounts.models import User
from audit import waiting_rows
from loans import offer_log
from loans.configuration import CreditSettings
from loans.models import Offer
from loans.offer_log import offers_key
from loans.services import offers
from loans.services.offer_records import store_offers
from loans.services.offers import OfferResult, make_offers
from loans.tasks import store_offers as store_offers_task
from tests.loans.conftest import ALICE
from tests.ussd.outages import closed_port, move_redis

pytestmark = pytest.mark.django_db


def ask(*, at: datetime, **changes: Any) -> OfferResult:
    asked = {"phone": ALICE, "session_id": "sess-1", "network": "mtn", "partner": "gateway@partner.example"}
    return make_offers(**asked | changes, at=at)


def test_offer_is_stored_with_terms_and_explanation(alice: User, now: datetime) -> None:
    result = ask(at=now)
    assert not Offer.objects.exists()

    assert store_offers(at=now) == 1

    offer = Offer.objects.get()
    assert (offer.customer_id, offer.phone, offer.at) == (alice.pk, ALICE, now)
    assert (offer.network, offer.partner, offer.session_id) == ("mtn", "gateway@partner.example", "sess-1")
    assert (offer.score, offer.eligible_amount, offer.currency, offer.refusal) == (300, 10_000, "NGN", "")
    assert offer.offers[1] == {
        "option": 2,
        "amount": "7500",
        "interest": "750.00",
        "disbursed_amount": "6750.00",
        "rate": "10",
        "days": 30,
        "due_date": "2026-12-20",
    }
    assert offer.explanation == result.explanation
    assert offer.explanation["versions"] == {"credit": 0, "loans": 0}


def test_refusal_of_a_customer_is_stored_and_of_a_stranger_not(alice: User, now: datetime, configure: Any) -> None:
    configure(CreditSettings, first_time_amount=Decimal(0))
    assert ask(at=now).refusal == "NO_ELIGIBLE_AMOUNT"
    assert ask(at=now, phone="+2348059999999").refusal == "USER_NOT_FOUND"

    assert store_offers(at=now) == 1

    offer = Offer.objects.get()
    assert (offer.refusal, offer.eligible_amount, offer.offers) == ("NO_ELIGIBLE_AMOUNT", 0, [])
    # Made under version 7 of the settings.
    assert offer.explanation["versions"]["credit"] == 7


def test_storing_twice_stores_once(alice: User, now: datetime) -> None:
    for _time in range(3):
        ask(at=now)
    client = get_redis_connection("sessions")
    waiting = client.lrange(offers_key(), 0, -1)

    assert store_offers(at=now) == 3
    # As if a worker had died between storing and removing.
    client.rpush(offers_key(), *waiting)
    assert store_offers(at=now) == 3

    assert Offer.objects.count() == 3
    assert client.llen(offers_key()) == 0
    assert store_offers_task() == 0


def test_what_comes_while_a_batch_is_stored_is_kept(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_rows, "BATCH", 2)
    for _time in range(5):
        ask(at=now)

    assert store_offers(at=now) == 5
    assert Offer.objects.count() == 5


def test_unreadable_and_impossible_records_do_not_hold_up_others(alice: User, now: datetime) -> None:
    ask(at=now)
    client = get_redis_connection("sessions")
    row = json.loads(client.lindex(offers_key(), 0))
    too_long = json.dumps({**row, "uid": "11111111-1111-4111-8111-111111111111", "phone": "9" * 99})
    client.lpush(offers_key(), b"nonsense", b"[]", b"{}", too_long)
    ask(at=now)

    assert store_offers(at=now) == 6
    assert Offer.objects.count() == 2


def test_list_is_bounded(alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_log, "MOST_WAITING", 3)
    for number in range(5):
        ask(at=now, session_id=f"sess-{number}")

    store_offers(at=now)

    assert list(Offer.objects.order_by("id").values_list("session_id", flat=True)) == ["sess-2", "sess-3", "sess-4"]


def test_offers_go_to_the_partition_of_their_month(alice: User, now: datetime) -> None:
    store_offers(at=now)
    ask(at=now)
    store_offers(at=now)

    tables = {table for (table,) in _fetch("SELECT tableoid::regclass::text FROM loans_offer")}
    assert tables == {"loans_offer_2026_11"}


def _fetch(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_without_redis_the_offer_is_stored_at_once(alice: User, now: datetime, settings: object) -> None:
    move_redis(settings, closed_port())

    result = ask(at=now)

    assert [terms.amount for terms in result.terms] == [5000, 7500, 10_000]
    assert Offer.objects.get().session_id == "sess-1"


def test_offer_is_made_even_when_nothing_can_record_it(
    alice: User, now: datetime, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_redis(settings, closed_port())

    def refuse(_record: object) -> None:
        raise OperationalError("canceling statement due to user request")

    monkeypatch.setattr(offers, "store_offer_now", refuse)

    assert len(ask(at=now).terms) == 3
    assert not Offer.objects.exists()
