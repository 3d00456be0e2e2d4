"""A killed sandbox loses nothing it answered for, pays nothing twice, and resumes what was under way."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.sandbox.conftest import Receiver
from tests.sandbox.momo_client import MomoClient
from tests.support.sandbox_process import SandboxProcess

START = 100_000_000


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[SandboxProcess]:
    with SandboxProcess(data=tmp_path, settle_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def client(durable: SandboxProcess) -> MomoClient:
    client = MomoClient(durable)
    client.sign_in()
    return client


def kill_and_start(sandbox: SandboxProcess) -> None:
    sandbox.kill()
    sandbox.start()


def test_book_float_sms_and_tokens_survive_a_kill(client):
    sandbox = client.sandbox
    reference_id = client.pay()
    client.wait_for_end(reference_id)
    sandbox.set_float(777, "EUR")
    book, floats = sandbox.transfers(), sandbox.get("momo/float")

    kill_and_start(sandbox)

    assert (sandbox.transfers(), sandbox.get("momo/float")) == (book, floats)
    assert client.status(reference_id).json()["status"] == "SUCCESSFUL"
    assert client.transfer(reference_id=reference_id).status_code == 409


def test_unsettled_transfer_is_settled_by_the_next_process(client):
    client.sandbox.behaviour(settleMs=700)
    reference_id = client.pay()

    kill_and_start(client.sandbox)

    assert client.wait_for_end(reference_id)["status"] == "SUCCESSFUL"
    assert client.sandbox.float_of("mtnrwanda") == START - 500


def test_held_transfer_is_still_held_after_a_restart(client):
    client.sandbox.faults("stay_pending")
    reference_id = client.pay()

    kill_and_start(client.sandbox)

    assert client.status(reference_id).json()["status"] == "PENDING"
    assert client.sandbox.get("momo/faults") == {"mode": "none"}
    client.sandbox.faults("none")
    assert client.wait_for_end(reference_id)["status"] == "SUCCESSFUL"


def test_unsent_callback_is_sent_by_the_next_process(client, receiver):
    client.sandbox.faults("late_callback", delayMs=3000)
    client.wait_for_end(client.pay(headers={"X_Callback_Url": receiver.url}))

    kill_and_start(client.sandbox)

    client.sandbox.wait_until(lambda: receiver.received, what="the callback")
    client.sandbox.wait_until(lambda: client.sandbox.callbacks()[0]["state"] == "delivered")
    assert len(receiver.received) == 1


def test_callback_under_way_at_a_kill_is_sent_again(client, receiver):
    with Receiver(port=0) as silent:  # takes the connection, never answers
        address = silent.server_address
        client.wait_for_end(client.pay(headers={"X_Callback_Url": silent.url}))
        assert client.sandbox.callbacks()[0]["state"] == "waiting"
        client.sandbox.kill()
    with Receiver(port=address[1]) as answering:
        thread = threading.Thread(target=answering.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        client.sandbox.start()

        client.sandbox.wait_until(lambda: client.sandbox.callbacks()[0]["state"] == "delivered")
        answering.shutdown()
        thread.join()
    assert len(answering.received) == 1


def test_everything_answered_before_a_kill_under_load_is_in_the_book_once(client):
    accepted: list[str] = []

    def pay_until_it_dies() -> None:
        mine = MomoClient(client.sandbox)
        mine.token = client.token
        session = requests.Session()
        while True:
            headers = mine.headers(X_Reference_Id=(reference_id := str(uuid.uuid4())))
            try:
                response = session.post(
                    f"{client.sandbox.url}/disbursement/v1_0/transfer",
                    json=mine.body(),
                    headers=headers,
                    timeout=30,
                )
            except requests.ConnectionError:
                return
            assert response.status_code == 202
            accepted.append(reference_id)

    threads = [threading.Thread(target=pay_until_it_dies) for _ in range(4)]
    for thread in threads:
        thread.start()
    client.sandbox.wait_until(lambda: len(accepted) >= 100, what="100 transfers")
    client.sandbox.kill()
    for thread in threads:
        thread.join()

    client.sandbox.start()

    client.sandbox.wait_until(lambda: not client.sandbox.transfers(status="PENDING"))
    book = client.sandbox.transfers()
    references = [line["referenceId"] for line in book]
    assert set(accepted) <= set(references)
    assert len(references) == len(set(references))
    assert {line["status"] for line in book} == {"SUCCESSFUL"}
    assert client.sandbox.float_of("mtnrwanda") == START - 500 * len(book)
