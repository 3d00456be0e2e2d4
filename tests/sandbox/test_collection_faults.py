"""Every fault of Collections, and that they leave Disbursements alone."""

import uuid

import pytest
import requests

from tests.sandbox.collections_client import CollectionsClient
from tests.sandbox.momo_client import MomoClient
from tests.support.sandbox_process import SandboxProcess


@pytest.fixture
def collector(sandbox: SandboxProcess) -> CollectionsClient:
    client = CollectionsClient(sandbox)
    assert client.sign_in().ok
    return client


@pytest.mark.parametrize(
    ("mode", "is_taken"),
    [
        ("timeout_before_accept", False),
        ("timeout_after_accept", True),
        ("http_500_before_accept", False),
        ("http_500_after_accept", True),
        ("http_503", False),
    ],
)
def test_lost_answer_strikes_once_and_the_book_tells_the_truth(collector, mode, is_taken):
    collector.sandbox.collection_faults(mode, times=1, delayMs=20)
    reference_id = str(uuid.uuid4())

    if mode.startswith("timeout"):
        with pytest.raises(requests.ConnectionError):
            collector.ask(reference_id=reference_id)
    else:
        assert collector.ask(reference_id=reference_id).status_code == int(mode[5:8])

    assert len(collector.sandbox.collections()) == int(is_taken)
    assert collector.ask(reference_id=reference_id).status_code == (409 if is_taken else 202)
    assert collector.wait_for_end(reference_id)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("reason", ["APPROVAL_REJECTED", "EXPIRED", "NOT_ENOUGH_FUNDS", "PAYER_NOT_FOUND"])
def test_refused_request_fails_with_the_reason(collector, reason):
    collector.sandbox.collection_faults("refuse", reason=reason, times=1)

    assert collector.wait_for_end(collector.collect())["reason"] == reason
    assert collector.wait_for_end(collector.collect())["status"] == "SUCCESSFUL"


def test_held_request_waits_for_its_customer(collector):
    collector.sandbox.collection_faults("stay_pending", times=1)
    held, free = collector.collect(), collector.collect()

    assert collector.wait_for_end(free)["status"] == "SUCCESSFUL"
    assert collector.status(held).json()["status"] == "PENDING"
    assert collector.sandbox.settle_collections() == 1
    assert collector.wait_for_end(held)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize(("mode", "count"), [("drop_callback", 0), ("duplicate_callback", 2), ("late_callback", 1)])
def test_callback_faults_change_only_the_callbacks(collector, receiver, mode, count):
    collector.sandbox.collection_faults(mode, times=1, delayMs=1)

    reference_id = collector.collect(callback_url=receiver.url)

    assert collector.wait_for_end(reference_id)["status"] == "SUCCESSFUL"
    ended = {"delivered", "dropped"}
    states = collector.sandbox.wait_until(
        lambda: (
            (posted := collector.sandbox.collection_callbacks(reference_id))
            and all(callback["state"] in ended for callback in posted)
            and posted
        )
    )
    assert [callback["state"] for callback in states] == (["delivered"] * count or ["dropped"])
    assert len(receiver.received) == count


def test_expired_token_is_the_products_own(collector, merchant: MomoClient):
    collector.sandbox.collection_faults("token_expired")

    assert collector.ask().status_code == 401
    assert collector.ask().status_code == 401
    assert merchant.transfer().status_code == 202
    collector.sign_in()
    assert collector.ask().status_code == 202


def test_faults_of_one_product_leave_the_other_alone(collector, merchant: MomoClient):
    collector.sandbox.collection_faults("http_503")
    assert merchant.transfer().status_code == 202
    assert collector.ask().status_code == 503
    collector.sandbox.collection_faults("none")
    collector.sandbox.faults("http_503")
    assert collector.ask().status_code == 202
    assert merchant.transfer().status_code == 503


@pytest.mark.parametrize("call", ["status", "token"])
def test_fault_may_strike_another_call(collector, call):
    reference_id = collector.collect()
    collector.sandbox.collection_faults("http_503", on=call)

    answers = {"status": collector.status(reference_id).status_code, "token": collector.sign_in().status_code}

    assert answers.pop(call) == 503
    assert list(answers.values()) == [200]


@pytest.mark.parametrize(
    "order",
    [
        {"mode": "refuse"},
        {"mode": "http_503", "reason": "EXPIRED"},
        {"mode": "http_503", "on": "transfer"},
        {"mode": "stay_pending", "on": "status"},
        {"mode": "nonsense"},
    ],
)
def test_senseless_order_is_refused_and_changes_nothing(sandbox, order):
    answer = sandbox.http.post(f"{sandbox.url}/_sandbox/momo/collections/faults", json=order, timeout=10)

    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert sandbox.get("momo/collections/faults") == {"mode": "none"}


def test_same_seed_strikes_the_same_requests(collector):
    def run() -> list[int]:
        collector.sandbox.collection_faults("http_503", probability=0.5, seed=7)
        return [collector.ask().status_code for _ in range(20)]

    first = run()

    assert {202, 503} == set(first)
    assert run() == first


def test_reset_empties_the_book_and_clears_the_fault(collector):
    collector.collect()
    collector.sandbox.collection_faults("http_503")

    collector.sandbox.reset()

    assert collector.sandbox.collections() == []
    assert collector.sandbox.get("momo/collections/faults") == {"mode": "none"}
