"""The log of turns and session events: masked, stored in bulk, each once, whatever is in it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django_redis import get_redis_connection

from accounts.models import User
from audit import waiting_rows
from promos.models import PromoCode
from tests.ussd.dialling import Handset
from ussd.models import SessionEvent, TurnRecord
from ussd.services.records import store_waiting
from ussd.tasks import store_turns
from ussd.turn_log import mask_input, turns_key

FORM = "application/x-www-form-urlencoded"
UID = "00000000-0000-4000-8000-000000000001"
EVENT = {
    "date": "2026-11-20 10:00:00",
    "sessionId": "ATUid_1",
    "serviceCode": "*384*1234#",
    "networkCode": "63510",
    "phoneNumber": "+250788123456",
    "status": "Incomplete",
    "cost": "KES 0.10",
    "durationInMillis": "5210",
    "hopsCount": "2",
    "input": "1*ABCD-EF26-GH11-JK20",
    "lastAppResponse": "CON Welcome",
}


@pytest.mark.parametrize(
    ("typed", "masked"),
    [
        ("ABCD-EF26-GH11-JK20", "ABCD****"),
        ("abcdef26gh11jk20", "abcd****"),
        ("ABCD*EF26*GH11*JK20", "ABCD****"),
        ("ABCD EF26 GH11 JK20", "ABCD****"),
        ("1*2*ABCDEF26GH11JK20", "1*2*ABCD****"),
        ("1*2*1", "1*2*1"),
        ("98", "98"),
        ("", ""),
    ],
)
def test_what_may_be_a_code_is_masked(typed: str, masked: str) -> None:
    assert mask_input(typed) == masked


def test_secret_input_is_masked_however_it_is_spaced() -> None:
    assert mask_input("A B C D E F 2 6", secret=True) == "A B ****"


@pytest.mark.django_db(transaction=True)
def test_turns_are_stored_in_order_and_masked(
    handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    phone = handset()
    phone.dial()
    phone.type(str(codes[0]))
    phone.repeat()
    assert codes[0].code not in str(get_redis_connection("sessions").lrange(turns_key(), 0, -1))

    assert store_turns() == 2
    assert store_turns() == 0
    first, second = TurnRecord.objects.order_by("id")
    assert (first.journey, first.screen, first.input, first.ends) == ("promo", "promo.code", "", False)
    assert (second.screen, second.outcome, second.ends) == ("promo.redeemed", "REDEEMED", True)
    assert second.input == codes[0].code[:4] + "****"
    assert second.reply == "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS."
    assert (second.phone, second.service_code, second.network) == (aline.phone, "*384*1234#", "63510")
    assert 0 <= second.took_ms < 60_000


@pytest.mark.django_db(transaction=True)
def test_crash_between_storing_and_removing_stores_each_turn_once(
    handset: Callable[..., Handset], aline: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset()
    phone.dial()
    with monkeypatch.context() as patch:
        patch.setattr(waiting_rows, "_TRIM", "return redis.error_reply('killed')")
        with pytest.raises(Exception, match="killed"):
            store_turns()
    phone.type("HELLO")

    assert TurnRecord.objects.count() == 1
    store_turns()
    store_turns()
    assert TurnRecord.objects.count() == 2
    assert get_redis_connection("sessions").llen(turns_key()) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_lose_nothing(
    handset: Callable[..., Handset], aline: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset()
    phone.dial()
    real = waiting_rows._store_batch

    def other_worker_comes_between(model: Any, rows: Any) -> None:
        real(model, rows)
        if model is TurnRecord and TurnRecord.objects.count() == 1:
            phone.type("HELLO")
            monkeypatch.setattr(waiting_rows, "_store_batch", real)
            store_turns()
            phone.type("HELLO")

    monkeypatch.setattr(waiting_rows, "_store_batch", other_worker_comes_between)
    store_turns()
    store_turns()

    assert TurnRecord.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_rows_no_table_takes_do_not_hold_up_the_others(handset: Callable[..., Handset], aline: User) -> None:
    client = get_redis_connection("sessions")
    handset().dial()
    good = json.loads(client.lindex(turns_key(), 0))
    client.rpush(turns_key(), "not json", json.dumps({"at": "x"}), json.dumps(good | {"reply": "x" * 300, "uid": UID}))
    handset().dial()

    store_turns()
    assert TurnRecord.objects.count() == 2
    assert client.llen(turns_key()) == 0


@pytest.mark.django_db(transaction=True)
def test_list_is_bounded_while_no_worker_runs(
    handset: Callable[..., Handset], aline: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ussd.store.MOST_WAITING", 3)
    for _dial in range(5):
        handset().dial()

    assert get_redis_connection("sessions").llen(turns_key()) == 3


@pytest.mark.django_db(transaction=True)
def test_partitions_are_made_ahead() -> None:
    at = datetime(2031, 1, 15, tzinfo=UTC)

    store_waiting(at=at)

    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ussd_turn'::regclass")
        names = {row[0] for row in cursor.fetchall()}
        for table in ("ussd_turn", "ussd_session_event"):
            for month in ("2031_01", "2031_02", "2031_03"):
                cursor.execute(f"DROP TABLE {table}_{month}")
    assert {"ussd_turn_default", "ussd_turn_2031_01", "ussd_turn_2031_02", "ussd_turn_2031_03"} <= names


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slash", ["", "/"])
def test_session_event_is_stored(client: Client, slash: str) -> None:
    response = client.post(f"/api/v1/webhooks/ussd/status{slash}", urlencode(EVENT), content_type=FORM)

    assert (response.status_code, response.content) == (200, b"OK")
    store_turns()
    event = SessionEvent.objects.get()
    assert (event.session_id, event.status, event.duration_ms, event.hops) == ("ATUid_1", "Incomplete", 5210, 2)
    assert (event.cost, event.input, event.last_reply) == ("KES 0.10", "1*ABCD****", "CON Welcome")


@pytest.mark.django_db(transaction=True)
def test_odd_session_event_is_stored_as_far_as_it_fits(client: Client) -> None:
    odd = {"sessionId": "x" * 500, "durationInMillis": "9" * 30, "hopsCount": "-1", "status": "\x00\u0001" + "y" * 99}

    assert client.post("/api/v1/webhooks/ussd/status/", urlencode(odd), content_type=FORM).status_code == 200
    store_turns()
    event = SessionEvent.objects.get()
    assert (event.session_id, event.duration_ms, event.hops) == ("x" * 128, None, None)
    assert event.status == "  " + "y" * 38


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "content_type"), [("", "x"), ("status=Success", "x"), ("{}", "application/json"), ("a&" * 200, "x")]
)
def test_what_is_no_session_event_is_refused(client: Client, body: str, content_type: str) -> None:
    content_type = FORM if content_type == "x" else content_type

    assert client.post("/api/v1/webhooks/ussd/status/", body, content_type=content_type).status_code == 400
