"""What `POST /disbursement/v1_0/transfer` refuses: notes A2 and A4. Nothing refused is in the book."""

import socket
import uuid

import pytest

from sandbox.options import DEMO_COLLECTION_KEY
from tests.sandbox.momo_client import RWANDAN, TRANSFER, MomoClient


def payee(**changes):
    return {"payee": {"partyIdType": "MSISDN", "partyId": RWANDAN} | changes}


MALFORMED = {
    "no reference": {"headers": {"X_Reference_Id": None}},
    "reference is no UUID": {"headers": {"X_Reference_Id": "order-1"}},
    "reference of version 1": {"headers": {"X_Reference_Id": str(uuid.uuid1())}},
    "reference of version 5": {"headers": {"X_Reference_Id": str(uuid.uuid5(uuid.NAMESPACE_DNS, "a"))}},
    "reference without hyphens": {"headers": {"X_Reference_Id": uuid.uuid4().hex}},
    "no environment": {"headers": {"X_Target_Environment": None}},
    "content type is text": {"headers": {"Content_Type": "text/plain"}},
    "empty callback address": {"headers": {"X_Callback_Url": ""}},
    "callback address is no URL": {"headers": {"X_Callback_Url": "http://[/"}},
    "callback by ftp": {"headers": {"X_Callback_Url": "ftp://127.0.0.1/x"}},
    "amount is a number": {"amount": 500},
    "amount is zero": {"amount": "0"},
    "amount is negative": {"amount": "-5"},
    "amount is signed": {"amount": "+5"},
    "amount with decimals in a currency without": {"amount": "500.00"},
    "amount with an exponent": {"amount": "5e2"},
    "amount with a comma": {"amount": "5,000"},
    "amount with a space": {"amount": " 500"},
    "amount in other digits": {"amount": "٥٠٠"},
    "amount with too many digits": {"amount": "1" * 13},
    "amount missing": {"amount": None},
    "currency missing": {"currency": None},
    "external id missing": {"externalId": None},
    "external id empty": {"externalId": ""},
    "payee missing": {"payee": None},
    "payee with a plus sign": payee(partyId="+" + RWANDAN),
    "payee with spaces": payee(partyId="250 788 123 456"),
    "payee is a number": payee(partyId=250788123456),
    "payee of an unknown type": payee(partyIdType="msisdn"),
    "note with an apostrophe": {"payeeNote": "It's yours"},
    "note with an accent": {"payeeNote": "Félicitations"},
    "note with a newline": {"payerMessage": "one\ntwo"},
    "note of 161 characters": {"payeeNote": "n" * 161},
    "message of 161 characters": {"payerMessage": "n" * 161},
    "note is a number": {"payeeNote": 1},
}


@pytest.mark.parametrize("arguments", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_transfer_gets_400_with_an_empty_body(merchant, arguments):
    response = merchant.transfer(**arguments)

    assert (response.status_code, response.content) == (400, b"")
    assert response.headers["X-Sandbox-Hint"]
    assert merchant.sandbox.transfers() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"null"])
def test_body_that_is_no_json_object_gets_400(merchant, body):
    headers = merchant.headers(X_Reference_Id=str(uuid.uuid4()), Content_Type="application/json")

    response = merchant.call("POST", TRANSFER, data=body, headers=headers)

    assert (response.status_code, merchant.sandbox.transfers()) == (400, [])


def test_body_of_more_than_a_megabyte_gets_413(merchant):
    response = merchant.transfer(payeeNote="n" * 1_000_001)

    assert (response.status_code, merchant.sandbox.transfers()) == (413, [])


def test_body_without_a_length_gets_411(merchant):
    headers = merchant.headers(X_Reference_Id=str(uuid.uuid4()), Content_Type="application/json")

    response = merchant.call("POST", TRANSFER, data=iter([b"{}"]), headers=headers)

    assert (response.status_code, merchant.sandbox.transfers()) == (411, [])


def test_body_cut_short_hurts_nothing(merchant):
    headers = merchant.headers(X_Reference_Id=str(uuid.uuid4()), Content_Type="application/json", Content_Length="500")
    lines = [f"POST {TRANSFER} HTTP/1.1", "Host: sandbox", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection(("127.0.0.1", merchant.sandbox.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", '{"amount"']).encode())

    assert merchant.transfer().status_code == 202
    assert len(merchant.sandbox.transfers()) == 1
    assert "Traceback" not in merchant.sandbox.output


NOT_ALLOWED = {
    "another currency": ({"currency": "EUR"}, "INVALID_CURRENCY"),
    "an unknown environment": (
        {"headers": {"X_Target_Environment": "mtnkenya"}},
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
    ),
    "another callback host": (
        {"headers": {"X_Callback_Url": "http://example.com/callback"}},
        "INVALID_CALLBACK_URL_HOST",
    ),
    "a callback host that ends alike": (
        {"headers": {"X_Callback_Url": "http://localhost.example.com/callback"}},
        "INVALID_CALLBACK_URL_HOST",
    ),
    "a callback host behind a name": (
        {"headers": {"X_Callback_Url": "http://127.0.0.1@example.com/callback"}},
        "INVALID_CALLBACK_URL_HOST",
    ),
}


@pytest.mark.parametrize(("arguments", "code"), NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
def test_transfer_the_merchant_may_not_make_gets_500_with_a_code(merchant, arguments, code):
    response = merchant.transfer(**arguments)

    assert (response.status_code, response.json()["code"]) == (500, code)
    assert set(response.json()) == {"code", "message"}
    assert merchant.sandbox.transfers() == []


@pytest.mark.parametrize("key", [None, "wrong", DEMO_COLLECTION_KEY])
def test_transfer_needs_the_products_subscription_key(merchant, key):
    response = merchant.transfer(headers={"Ocp_Apim_Subscription_Key": key})

    assert (response.status_code, response.json()["statusCode"]) == (401, 401)
    assert merchant.sandbox.transfers() == []


def test_same_reference_gets_409_and_is_paid_once(merchant):
    reference_id = merchant.pay()

    response = merchant.transfer(reference_id=reference_id.upper(), amount="700")

    assert response.status_code == 409
    assert response.json() == {
        "code": "RESOURCE_ALREADY_EXIST",
        "message": "Duplicated reference id. Creation of resource failed.",
    }
    merchant.wait_for_end(reference_id)
    assert [transfer["amount"] for transfer in merchant.sandbox.transfers()] == [500]


def test_sandbox_environment_takes_euro_only(sandbox):
    client = MomoClient(sandbox, environment="sandbox")
    client.sign_in()

    assert client.transfer(currency="RWF").json()["code"] == "INVALID_CURRENCY"
    assert client.wait_for_end(client.pay(amount="12.50"))["amount"] == "12.5"


def test_sandbox_environment_takes_no_https_callback(sandbox):
    client = MomoClient(sandbox, environment="sandbox")
    client.sign_in()

    assert client.transfer(headers={"X_Callback_Url": "https://127.0.0.1/callback"}).status_code == 400


def test_country_environment_takes_an_https_callback(merchant):
    assert merchant.transfer(headers={"X_Callback_Url": "https://127.0.0.1:9/callback"}).status_code == 202


@pytest.mark.parametrize("note", ["Promo code ABCD-1234: RWF 500, paid.", "n" * 160, ""])
def test_plain_notes_are_taken_and_come_back(merchant, note):
    reference_id = merchant.pay(payeeNote=note)

    assert merchant.status(reference_id).json()["payeeNote"] == note


def test_notes_may_be_left_out(merchant):
    body = merchant.wait_for_end(merchant.pay(payeeNote=None, payerMessage=None))

    assert "payeeNote" not in body
    assert "payerMessage" not in body


@pytest.mark.parametrize("path", ["/disbursement/v1_0/transfer/", "/disbursement/v2_0/transfer"])
def test_wrong_path_gets_404(merchant, path):
    response = merchant.call("POST", path, json=merchant.body(), headers=merchant.headers())

    assert (response.status_code, response.json()["statusCode"]) == (404, 404)
