"""The life of a transfer that is accepted: status, float, book (notes A5, A6, contract section 9)."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.momo_client import RWANDAN, MomoClient

START = 100_000_000


def test_transfer_is_pending_then_paid(merchant):
    merchant.sandbox.behaviour(settleMs=60_000)

    reference_id = merchant.pay()

    pending = {
        "amount": "500",
        "currency": "RWF",
        "externalId": "order-1",
        "payee": {"partyIdType": "MSISDN", "partyId": RWANDAN},
        "payerMessage": "Promo code",
        "payeeNote": "Thank you",
        "status": "PENDING",
    }
    assert merchant.status(reference_id).json() == pending
    assert merchant.sandbox.float_of("mtnrwanda") == START
    merchant.sandbox.settle(reference_id)
    paid = merchant.wait_for_end(reference_id)
    assert re.fullmatch(r"\d{10}", paid.pop("financialTransactionId"))
    assert paid == pending | {"status": "SUCCESSFUL"}
    assert merchant.sandbox.float_of("mtnrwanda") == START - 500


def test_book_has_a_line_for_every_transfer(merchant):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    paid = merchant.pay(externalId="first")
    failed = merchant.pay(externalId="second", party_id="46733123451")
    merchant.wait_for_end(paid)
    merchant.wait_for_end(failed)

    book = merchant.sandbox.transfers()

    created = [datetime.fromisoformat(line.pop("createdAt")) for line in book]
    assert before <= created[0] <= created[1] <= datetime.now(UTC)
    line = {"amount": 500, "currency": "RWF"}
    assert book == [
        line | {"referenceId": paid, "externalId": "first", "partyId": RWANDAN, "status": "SUCCESSFUL"},
        line | {"referenceId": failed, "externalId": "second", "partyId": "46733123451", "status": "FAILED"},
    ]


def test_book_can_be_filtered(merchant):
    references = [
        merchant.pay(externalId="a"),
        merchant.pay(externalId="b"),
        merchant.pay(externalId="b", party_id="46733123450"),
    ]
    for reference_id in references:
        merchant.wait_for_end(reference_id)

    def found(**filters):
        return [line["referenceId"] for line in merchant.sandbox.transfers(**filters)]

    assert found(externalId="b") == references[1:]
    assert found(externalId="b", status="SUCCESSFUL") == [references[1]]
    assert found(partyId="46733123450") == [references[2]]
    assert found(limit=2) == references[1:]
    assert found(externalId="c") == []


def test_transfer_fails_when_the_float_is_short_and_takes_nothing(merchant):
    merchant.sandbox.set_float(499, "RWF")

    body = merchant.wait_for_end(merchant.pay())

    assert (body["status"], body["reason"]) == ("FAILED", "NOT_ENOUGH_FUNDS")
    assert "financialTransactionId" not in body
    assert merchant.sandbox.float_of("mtnrwanda") == 499


def test_transfer_may_take_the_last_of_the_float(merchant):
    merchant.sandbox.set_float("500", "RWF")

    assert merchant.wait_for_end(merchant.pay())["status"] == "SUCCESSFUL"
    assert merchant.get("account/balance").json() == {"availableBalance": "0", "currency": "RWF"}


@pytest.mark.parametrize(
    ("environment", "currency", "party_id", "status"),
    [
        ("mtnrwanda", "RWF", "250788123456", "SUCCESSFUL"),
        ("mtnrwanda", "RWF", "250728123456", "SUCCESSFUL"),
        ("mtnrwanda", "RWF", "254701234567", "FAILED"),
        ("mtnrwanda", "RWF", "25078812345", "FAILED"),
        ("mtnrwanda", "RWF", "000000000000", "FAILED"),
        ("mtnnigeria", "NGN", "2348031234567", "SUCCESSFUL"),
        ("mtnnigeria", "NGN", "250788123456", "FAILED"),
        ("mtnuganda", "UGX", "256772123456", "SUCCESSFUL"),
        ("mtnghana", "GHS", "233241234567", "SUCCESSFUL"),
        ("sandbox", "EUR", "250788123456", "SUCCESSFUL"),
        ("sandbox", "EUR", "46733999999", "SUCCESSFUL"),
    ],
)
def test_number_is_paid_where_it_has_a_wallet(sandbox, environment, currency, party_id, status):
    client = MomoClient(sandbox, environment=environment)
    client.sign_in()

    body = client.wait_for_end(client.pay(currency=currency, party_id=party_id))

    assert body["status"] == status
    assert body.get("reason") == (None if status == "SUCCESSFUL" else "PAYEE_NOT_FOUND")


@pytest.mark.parametrize("kind", ["EMAIL", "PARTY_CODE"])
def test_other_kinds_of_payee_have_a_wallet_in_the_sandbox_only(sandbox, kind):
    payee = {"partyIdType": kind, "partyId": "somebody"}
    outcomes = []
    for environment in ("sandbox", "mtnrwanda"):
        client = MomoClient(sandbox, environment=environment)
        client.sign_in()
        outcomes.append(client.wait_for_end(client.pay(payee=payee)).get("reason"))

    assert outcomes == [None, "PAYEE_NOT_FOUND"]


def test_unknown_reference_gets_404(merchant):
    response = merchant.status(str(uuid.uuid4()))

    assert response.status_code == 404
    assert response.json() == {"code": "RESOURCE_NOT_FOUND", "message": "Requested resource was not found."}


def test_reference_that_is_no_uuid_gets_400(merchant):
    assert merchant.status("order-1").status_code == 400


def test_transfer_of_another_environment_gets_404(merchant):
    reference_id = merchant.pay()

    assert merchant.status(reference_id, X_Target_Environment="mtnnigeria").status_code == 404
    assert merchant.status(reference_id).status_code == 200


def test_new_transfer_may_be_invisible_for_a_while(merchant):
    merchant.sandbox.behaviour(lookupLagMs=60_000)

    reference_id = merchant.pay()

    assert merchant.status(reference_id).status_code == 404
    assert merchant.transfer(reference_id=reference_id).status_code == 409
    merchant.sandbox.behaviour(lookupLagMs=0)
    assert merchant.status(reference_id).status_code == 200


def test_reason_may_be_an_object(merchant):
    reference_id = merchant.pay(party_id="46733123451")
    merchant.wait_for_end(reference_id)

    merchant.sandbox.behaviour(reasonAs="object")

    reason = merchant.status(reference_id).json()["reason"]
    assert (reason["code"], set(reason)) == ("APPROVAL_REJECTED", {"code", "message"})


def test_status_requests_can_be_limited_per_token(merchant):
    other = MomoClient(merchant.sandbox)
    other.sign_in()
    reference_id = merchant.pay()
    merchant.sandbox.behaviour(statusRate=2)

    # Each second lets two through; a slow machine needs more tries to be too quick.
    codes: list[int] = []
    began = time.time()
    while 429 not in codes and len(codes) < 100:
        codes += [(response := merchant.status(reference_id)).status_code]

    assert set(codes) == {200, 429}
    seconds_of_the_clock = int(time.time()) - int(began) + 1
    assert 2 <= codes.count(200) <= 2 * seconds_of_the_clock
    assert response.headers["Retry-After"] == "1"
    assert other.status(reference_id).status_code == 200


def test_latency_delays_transfers_only(merchant):
    merchant.sandbox.behaviour(latencyMs=250)

    slow = merchant.transfer()
    quick = merchant.get("account/balance")

    assert slow.status_code == 202
    assert slow.elapsed >= timedelta(milliseconds=250)
    assert quick.elapsed < slow.elapsed
