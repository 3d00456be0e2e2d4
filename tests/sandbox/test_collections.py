"""Collections: asking a customer to pay (notes A2-A6, A10, with a payer in place of a payee)."""

import sqlite3
import uuid
from pathlib import Path

import pytest

from sandbox.options import DEMO_SUBSCRIPTION_KEY
from sandbox.store import FILE_NAME, SCHEMA
from tests.sandbox.collections_client import NIGERIAN, PATH, CollectionsClient
from tests.sandbox.conftest import Receiver
from tests.sandbox.momo_client import MomoClient
from tests.support.sandbox_process import SandboxProcess

# The table of notes A10 for request-to-pay, and the endings of the README, written out once more.
REASONS = {
    "46733123450": "INTERNAL_PROCESSING_ERROR",
    "46733123451": "APPROVAL_REJECTED",
    "46733123452": "EXPIRED",
    "46733123454": "PAYER_DELAYED",
    "46733123455": "PAYER_NOT_FOUND",
    "46733123456": "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "46733123457": "NOT_ALLOWED",
    "46733123458": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "46733123459": "INVALID_CALLBACK_URL_HOST",
    "46733123460": "INVALID_CURRENCY",
    "46733123461": "INTERNAL_PROCESSING_ERROR",
    "46733123462": "SERVICE_UNAVAILABLE",
    "46733123463": "COULD_NOT_PERFORM_TRANSACTION",
    "2348030992001": "NOT_ENOUGH_FUNDS",
    "2348030992002": "APPROVAL_REJECTED",
    "2348030992003": "EXPIRED",
    "2348030992005": "PAYER_LIMIT_REACHED",
    "250788123456": "PAYER_NOT_FOUND",
}


@pytest.fixture
def collector(sandbox: SandboxProcess) -> CollectionsClient:
    """A merchant signed in to Collections in mtnnigeria."""
    client = CollectionsClient(sandbox)
    assert client.sign_in().ok
    return client


def test_customer_pays_what_was_asked_and_the_books_show_it(collector):
    reference_id = collector.collect(amount="1250.50")

    body = collector.wait_for_end(reference_id)

    transaction = body.pop("financialTransactionId")
    assert transaction.isdigit()
    assert body == {
        "amount": "1250.5",
        "currency": "NGN",
        "externalId": "loan-1",
        "payer": {"partyIdType": "MSISDN", "partyId": NIGERIAN},
        "payerMessage": "Repayment",
        "payeeNote": "Loan",
        "status": "SUCCESSFUL",
    }
    [line] = collector.sandbox.collections()
    assert (line["referenceId"], line["amount"], line["status"]) == (reference_id, 1250.5, "SUCCESSFUL")
    assert (line["financialTransactionId"], line["reason"]) == (transaction, None)
    balance = collector.call("GET", "/collection/v1_0/account/balance", headers=collector.headers())
    assert balance.json() == {"availableBalance": "1250.5", "currency": "NGN"}
    # It is no transfer, and no money of the float.
    assert collector.sandbox.transfers() == []
    assert collector.sandbox.float_of("mtnnigeria") == 100_000_000


@pytest.mark.parametrize(("number", "reason"), REASONS.items())
def test_scenario_number_is_accepted_and_then_gives_its_reason(collector, number, reason):
    body = collector.wait_for_end(collector.collect(party_id=number))

    assert (body["status"], body["reason"]) == ("FAILED", reason)
    assert "financialTransactionId" not in body


@pytest.mark.parametrize("number", ["46733123453", "2348030992004"])
def test_slow_customer_pays_in_the_end(collector, number):
    reference_id = collector.collect(party_id=number)

    assert collector.status(reference_id).json()["status"] == "PENDING"
    assert collector.wait_for_end(reference_id)["status"] == "SUCCESSFUL"


def test_same_reference_again_is_refused_and_asks_nobody_twice(collector):
    reference_id = collector.collect()

    again = collector.ask(reference_id=reference_id)

    assert (again.status_code, again.json()["code"]) == (409, "RESOURCE_ALREADY_EXIST")
    assert len(collector.sandbox.collections()) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"reference_id": "11111111-1111-1111-8111-111111111111"}, 400),
        ({"amount": "0"}, 400),
        ({"amount": "-1"}, 400),
        ({"amount": "1.234"}, 400),
        ({"amount": None}, 400),
        ({"externalId": None}, 400),
        ({"party_id": "+2348031234567"}, 400),
        ({"payeeNote": "It's"}, 400),
        ({"payer": None, "payee": {"partyIdType": "MSISDN", "partyId": NIGERIAN}}, 400),
        ({"callback_url": ""}, 400),
        ({"currency": "RWF"}, 500),
        ({"callback_url": "https://elsewhere.example/"}, 500),
    ],
)
def test_malformed_request_is_refused_and_not_in_the_book(collector, changes, status):
    assert collector.ask(**changes).status_code == status
    assert collector.sandbox.collections() == []


def test_each_product_has_its_own_key_and_token(sandbox, collector):
    other = MomoClient(sandbox, environment="mtnnigeria")
    other.sign_in()

    assert CollectionsClient(sandbox).sign_in(key=DEMO_SUBSCRIPTION_KEY).status_code == 401
    assert collector.ask(externalId="x").status_code == 202
    assert (
        collector.call("POST", PATH, headers=collector.headers(Authorization=f"Bearer {other.token}")).status_code
        == 401
    )
    wrong_key = collector.headers(Ocp_Apim_Subscription_Key=DEMO_SUBSCRIPTION_KEY)
    assert collector.call("POST", PATH, headers=wrong_key).status_code == 401
    assert other.status(str(uuid.uuid4()), Authorization=f"Bearer {collector.token}").status_code == 401


def test_unknown_reference_and_another_environment_give_404(collector):
    reference_id = collector.collect()

    assert collector.status(str(uuid.uuid4())).json()["code"] == "RESOURCE_NOT_FOUND"
    assert collector.status(reference_id, X_Target_Environment="mtnrwanda").status_code == 404
    assert collector.status("no-uuid").status_code == 400


@pytest.mark.parametrize("party_id", [NIGERIAN, "2348030992001"])
def test_callback_tells_the_end_without_our_reference(collector, receiver: Receiver, party_id):
    reference_id = collector.collect(party_id=party_id, callback_url=f"{receiver.url}/x")

    collector.sandbox.wait_until(lambda: receiver.received)
    [received] = receiver.received
    assert (received.method, received.path) == ("PUT", "/callback/x")
    assert reference_id not in received.body
    assert ("SUCCESSFUL" in received.body) == (party_id == NIGERIAN)
    assert ("NOT_ENOUGH_FUNDS" in received.body) == (party_id != NIGERIAN)
    assert collector.sandbox.callbacks() == []


def test_book_of_an_earlier_version_is_kept_and_learns_collections(tmp_path: Path):
    with sqlite3.connect(tmp_path / FILE_NAME) as old:
        old.executescript(SCHEMA)
        old.execute("INSERT INTO messages VALUES ('1', '+234', 'S', 'kept', 0)")
        old.execute("PRAGMA user_version=1")
    old.close()

    with SandboxProcess(data=tmp_path, settle_ms=0) as sandbox:
        client = CollectionsClient(sandbox)
        client.sign_in()
        assert client.wait_for_end(client.collect())["status"] == "SUCCESSFUL"
        assert [message["message"] for message in sandbox.sms()] == ["kept"]
        sandbox.restart()
        assert len(sandbox.collections()) == 1


def test_pending_request_of_a_killed_sandbox_ends_after_its_restart(tmp_path: Path):
    with SandboxProcess(data=tmp_path, settle_ms=600_000) as sandbox:
        client = CollectionsClient(sandbox)
        client.sign_in()
        reference_id = client.collect()
        sandbox.kill()
        sandbox.start()
        assert sandbox.settle_collections(reference_id) == 1
        assert client.wait_for_end(reference_id)["status"] == "SUCCESSFUL"
