"""Callbacks of transfers: body, delivery and its faults (notes A8)."""

import json
import time

import pytest

from tests.sandbox.conftest import Receiver
from tests.sandbox.momo_client import RWANDAN, MomoClient


def pay(merchant: MomoClient, receiver: Receiver, **arguments: object) -> str:
    return merchant.pay(headers={"X_Callback_Url": receiver.url}, **arguments)


def wait_for(merchant: MomoClient, receiver: Receiver, count: int) -> None:
    merchant.sandbox.wait_until(lambda: len(receiver.received) >= count, what=f"{count} callbacks")


def test_callback_of_a_paid_transfer(merchant, receiver):
    reference_id = pay(merchant, receiver)

    wait_for(merchant, receiver, 1)

    [callback] = receiver.received
    assert (callback.method, callback.path, callback.content_type) == ("PUT", "/callback", "application/json")
    assert json.loads(callback.body) == {
        "financialTransactionId": merchant.status(reference_id).json()["financialTransactionId"],
        "externalId": "order-1",
        "amount": "500",
        "currency": "RWF",
        "payee": {"partyIdType": "MSISDN", "partyId": RWANDAN},
        "payeeNote": "Thank you",
        "status": "SUCCESSFUL",
    }


def test_callback_of_a_failed_transfer_has_a_plain_reason(merchant, receiver):
    merchant.sandbox.behaviour(reasonAs="object")
    reference_id = pay(merchant, receiver, party_id="46733123452")

    wait_for(merchant, receiver, 1)

    [callback] = receiver.received
    body = json.loads(callback.body)
    assert (body["status"], body["reason"]) == ("FAILED", "EXPIRED")
    assert "financialTransactionId" not in body
    assert reference_id not in callback.body


@pytest.mark.parametrize(("method", "expected"), [("POST", {"POST"}), ("PUT", {"PUT"}), ("alternate", {"PUT", "POST"})])
def test_callback_method_is_a_choice(merchant, receiver, method, expected):
    merchant.sandbox.behaviour(callbackMethod=method)
    for _ in range(2):
        pay(merchant, receiver)

    wait_for(merchant, receiver, 2)

    assert {callback.method for callback in receiver.received} == expected


def test_no_callback_without_an_address(merchant, receiver):
    merchant.wait_for_end(merchant.pay())

    assert merchant.sandbox.callbacks() == []


def test_callback_to_nobody_is_tried_once_and_hurts_nothing(merchant):
    reference_id = merchant.pay(headers={"X_Callback_Url": "http://127.0.0.1:1/callback"})

    merchant.sandbox.wait_until(lambda: merchant.sandbox.callbacks(reference_id)[0]["state"] == "failed")

    assert merchant.sandbox.callbacks(reference_id)[0]["result"] == "ConnectionError"
    assert merchant.wait_for_end(reference_id)["status"] == "SUCCESSFUL"


def test_callback_is_tried_again_when_asked_to(merchant, receiver):
    merchant.sandbox.behaviour(callbackTries=3)
    receiver.first = [500]
    reference_id = pay(merchant, receiver)

    merchant.sandbox.wait_until(lambda: merchant.sandbox.callbacks(reference_id)[0]["state"] == "delivered")

    assert len(receiver.received) == 2
    assert receiver.received[0] == receiver.received[1]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_callback_that_is_not_taken_is_recorded(merchant, receiver, status):
    receiver.status = status
    reference_id = pay(merchant, receiver)

    merchant.sandbox.wait_until(lambda: merchant.sandbox.callbacks(reference_id)[0]["state"] == "failed")

    assert merchant.sandbox.callbacks(reference_id)[0]["result"] == f"HTTP {status}"
    assert len(receiver.received) == 1


def test_drop_callback_sends_none(merchant, receiver):
    merchant.sandbox.faults("drop_callback", times=1)
    dropped = pay(merchant, receiver)
    sent = pay(merchant, receiver, externalId="order-2")

    wait_for(merchant, receiver, 1)

    assert [json.loads(callback.body)["externalId"] for callback in receiver.received] == ["order-2"]
    assert merchant.wait_for_end(dropped)["status"] == "SUCCESSFUL"
    states = {line["subject"]: line["state"] for line in merchant.sandbox.callbacks()}
    assert states[dropped] == "dropped"
    assert states[sent] != "dropped"


def test_duplicate_callback_sends_two_alike(merchant, receiver):
    merchant.sandbox.faults("duplicate_callback", times=1)
    pay(merchant, receiver)

    wait_for(merchant, receiver, 2)

    assert receiver.received[0] == receiver.received[1]
    assert len(merchant.sandbox.callbacks()) == 2


def test_late_callback_comes_after_the_delay(merchant, receiver):
    merchant.sandbox.faults("late_callback", delayMs=400)
    start = time.monotonic()

    pay(merchant, receiver)
    wait_for(merchant, receiver, 1)

    assert time.monotonic() - start >= 0.4


def test_callback_under_way_at_a_reset_is_not_taken_for_a_later_one(merchant, receiver):
    with Receiver() as silent:
        pay(merchant, silent)
        merchant.sandbox.reset()

        pay(merchant, receiver)

        wait_for(merchant, receiver, 1)


def test_slow_receiver_does_not_hold_up_the_others(merchant, receiver):
    with Receiver() as silent:  # takes connections, never answers
        stuck = pay(merchant, silent)
        pay(merchant, receiver)

        wait_for(merchant, receiver, 1)

        assert merchant.sandbox.callbacks(stuck)[0]["state"] == "waiting"


def test_demo_merchant_may_name_this_machine_only(merchant):
    for host, status in (("localhost", 202), ("127.0.0.1", 202), ("web", 500)):
        headers = {"X_Callback_Url": f"http://{host}:9/callback"}
        assert merchant.transfer(headers=headers).status_code == status
