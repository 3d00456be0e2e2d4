"""Every fault mode of mobile money: what the client sees, and what the book says (contract section 9)."""

import http.client
import json
import threading
import time
import uuid
from contextlib import closing

import pytest
import requests

from tests.sandbox.momo_client import MomoClient


def outcome(merchant: MomoClient) -> int | str:
    """The status of one transfer request, or "silence"."""
    try:
        return merchant.transfer().status_code
    except requests.ConnectionError:
        return "silence"


def statuses(merchant: MomoClient) -> list[str]:
    """The book, once nothing is pending in it."""
    merchant.sandbox.wait_until(lambda: not merchant.sandbox.transfers(status="PENDING"))
    return [transfer["status"] for transfer in merchant.sandbox.transfers()]


@pytest.mark.parametrize(
    ("mode", "answer", "book"),
    [
        ("none", 202, ["SUCCESSFUL"]),
        ("timeout_before_accept", "silence", []),
        ("timeout_after_accept", "silence", ["SUCCESSFUL"]),
        ("http_500_before_accept", 500, []),
        ("http_500_after_accept", 500, ["SUCCESSFUL"]),
        ("http_503", 503, []),
    ],
)
def test_fault_of_the_answer(merchant, mode, answer, book):
    merchant.sandbox.faults(mode, delayMs=50)

    assert outcome(merchant) == answer
    assert statuses(merchant) == book
    assert merchant.sandbox.float_of("mtnrwanda") == 100_000_000 - 500 * len(book)


@pytest.mark.parametrize(
    ("mode", "code"),
    [("http_500_before_accept", "INTERNAL_PROCESSING_ERROR"), ("http_503", "SERVICE_UNAVAILABLE")],
)
def test_faulty_answer_has_mtns_error_body(merchant, mode, code):
    merchant.sandbox.faults(mode)

    body = merchant.transfer().json()

    assert (body["code"], set(body)) == (code, {"code", "message"})


def test_same_reference_after_a_lost_answer_is_paid_once(merchant):
    merchant.sandbox.faults("timeout_after_accept", times=1, delayMs=50)
    reference_id = str(uuid.uuid4())
    with pytest.raises(requests.ConnectionError):
        merchant.transfer(reference_id=reference_id)

    again = merchant.transfer(reference_id=reference_id)

    assert again.status_code == 409
    assert statuses(merchant) == ["SUCCESSFUL"]


def test_after_accept_does_not_accept_what_is_refused(merchant):
    merchant.sandbox.faults("http_500_after_accept")

    assert merchant.transfer(amount="0").status_code == 500
    assert merchant.sandbox.transfers() == []


def test_timeout_hangs_for_the_delay_without_holding_up_others(merchant):
    merchant.sandbox.faults("timeout_before_accept", times=5, delayMs=5000)
    start = time.monotonic()
    answers: list[int | str] = []
    patient = [threading.Thread(target=lambda: answers.append(outcome(merchant))) for _ in range(5)]
    for thread in patient:
        thread.start()
    merchant.sandbox.wait_until(lambda: merchant.sandbox.get("momo/faults") == {"mode": "none"})

    merchant.wait_for_end(merchant.pay())

    assert answers == []
    for thread in patient:
        thread.join()
    assert time.monotonic() - start >= 5
    assert answers == ["silence"] * 5
    assert len(merchant.sandbox.transfers()) == 1


def test_client_that_gives_up_first_finds_a_working_sandbox(merchant):
    merchant.sandbox.faults("timeout_after_accept", times=1)
    headers = merchant.headers(X_Reference_Id=str(uuid.uuid4()))
    with closing(http.client.HTTPConnection("127.0.0.1", merchant.sandbox.port)) as impatient:
        impatient.request(
            "POST",
            "/disbursement/v1_0/transfer",
            body=json.dumps(merchant.body()),
            headers={**headers, "Content-Type": "application/json"},
        )
        merchant.sandbox.wait_until(merchant.sandbox.transfers, what="the transfer to be accepted")

    assert outcome(merchant) == 202
    assert statuses(merchant) == ["SUCCESSFUL", "SUCCESSFUL"]


def test_refuse_accepts_and_then_fails_with_the_reason(merchant):
    merchant.sandbox.faults("refuse", reason="PAYEE_NOT_ALLOWED_TO_RECEIVE", times=1)

    refused, paid = merchant.pay(), merchant.pay()

    body = merchant.wait_for_end(refused)
    assert (body["status"], body["reason"]) == ("FAILED", "PAYEE_NOT_ALLOWED_TO_RECEIVE")
    assert merchant.wait_for_end(paid)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("release", ["none", "settle"])
def test_stay_pending_holds_until_it_is_let_go(merchant, release):
    merchant.sandbox.faults("stay_pending", times=1)
    held, free = merchant.pay(), merchant.pay()
    assert merchant.wait_for_end(free)["status"] == "SUCCESSFUL"
    assert merchant.status(held).json()["status"] == "PENDING"

    if release == "none":
        merchant.sandbox.faults("none")
    else:
        assert merchant.sandbox.settle() == 1

    assert merchant.wait_for_end(held)["status"] == "SUCCESSFUL"


def test_settle_lets_one_transfer_go(merchant):
    merchant.sandbox.faults("stay_pending")
    first, second = merchant.pay(), merchant.pay()

    assert merchant.sandbox.settle(first) == 1

    merchant.wait_for_end(first)
    assert merchant.status(second).json()["status"] == "PENDING"


def test_token_expired_revokes_the_tokens_of_now(merchant):
    merchant.sandbox.faults("token_expired")

    assert [merchant.transfer().status_code for _ in range(2)] == [401, 401]
    assert merchant.sandbox.transfers() == []
    merchant.sign_in()
    assert merchant.transfer().status_code == 202


def test_token_expired_may_outlive_a_renewal(merchant):
    merchant.sandbox.faults("token_expired", times=2)
    answers = []
    for _ in range(3):
        answers.append(merchant.transfer().status_code)
        merchant.sign_in()

    assert answers == [401, 401, 202]


@pytest.mark.parametrize(("on", "struck"), [("token", 0), ("balance", 1), ("status", 2), ("transfer", 3), (None, 3)])
def test_fault_strikes_the_call_it_is_for(merchant, on, struck):
    reference_id = merchant.pay()
    merchant.sandbox.faults("http_503", **({"on": on} if on else {}))

    codes = [
        merchant.ask_token().status_code,
        merchant.get("account/balance").status_code,
        merchant.status(reference_id).status_code,
        merchant.transfer().status_code,
    ]

    assert [code == 503 for code in codes] == [index == struck for index in range(4)]


def test_lost_answer_of_a_token_call_still_makes_a_token(merchant):
    merchant.sandbox.faults("timeout_after_accept", on="token", times=1, delayMs=50)
    with pytest.raises(requests.ConnectionError):
        merchant.ask_token()

    assert merchant.ask_token().status_code == 200


def test_times_counts_the_requests_that_are_struck(merchant):
    merchant.sandbox.faults("http_503", times=2)

    assert [outcome(merchant) for _ in range(4)] == [503, 503, 202, 202]
    assert merchant.sandbox.get("momo/faults") == {"mode": "none"}


def test_probability_repeats_with_its_seed(merchant):
    def run(seed):
        merchant.sandbox.faults("http_503", probability=0.5, seed=seed)
        return [outcome(merchant) for _ in range(30)]

    first = run(7)

    assert run(7) == first
    assert run(8) != first
    assert 5 < first.count(503) < 25


def test_seed_is_made_up_and_told_when_missing(merchant):
    shown = merchant.sandbox.faults("http_503", probability=0.5)
    first = [outcome(merchant) for _ in range(30)]

    merchant.sandbox.faults("http_503", probability=0.5, seed=shown["seed"])

    assert [outcome(merchant) for _ in range(30)] == first


def test_current_fault_is_shown(merchant):
    merchant.sandbox.faults("late_callback", times=3, delayMs=20, seed=1)
    merchant.pay()

    assert merchant.sandbox.get("momo/faults") == {
        "mode": "late_callback",
        "times": 3,
        "delayMs": 20,
        "probability": 1.0,
        "seed": 1,
        "remaining": 2,
        "fired": 1,
    }


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"mode": "explode"},
        {"mode": "refuse"},
        {"mode": "http_503", "reason": "EXPIRED"},
        {"mode": "http_503", "times": 0},
        {"mode": "http_503", "times": "2"},
        {"mode": "http_503", "times": True},
        {"mode": "http_503", "probability": 0},
        {"mode": "http_503", "probability": 1.1},
        {"mode": "http_503", "delayMs": -1},
        {"mode": "http_503", "seed": "a"},
        {"mode": "http_503", "on": "everything"},
        {"mode": "drop_callback", "on": "status"},
        {"mode": "token_expired", "on": "token"},
        {"mode": "http_503", "sometimes": 1},
        [],
        "text",
    ],
)
def test_wrong_fault_order_gets_400_and_changes_nothing(merchant, order):
    merchant.sandbox.faults("http_503", seed=1)

    response = merchant.call("POST", "/_sandbox/momo/faults", json=order)

    assert response.status_code == 400
    assert response.json()["code"] == "INVALID_REQUEST"
    assert response.json()["message"]
    shown = merchant.sandbox.get("momo/faults")
    assert (shown["mode"], shown["seed"]) == ("http_503", 1)


def test_fault_order_that_is_no_json_gets_400(merchant):
    response = merchant.call("POST", "/_sandbox/momo/faults", data=b"mode=none")

    assert (response.status_code, response.json()["message"]) == (400, "the body is not JSON")
