"""The scenario numbers of notes A10, in the sandbox and in a country."""

import time

import pytest

from tests.sandbox.conftest import ONGOING_MS
from tests.sandbox.momo_client import MomoClient

# The table of notes A10, written out once more: a slip in the sandbox's own must show.
REASONS = {
    "46733123450": "INTERNAL_PROCESSING_ERROR",
    "46733123451": "APPROVAL_REJECTED",
    "46733123452": "EXPIRED",
    "46733123453": "ONGOING",
    "46733123454": "PAYER_DELAYED",
    "46733123455": "COULD_NOT_PERFORM_TRANSACTION",
    "46733123456": "COULD_NOT_PERFORM_TRANSACTION",
    "46733123457": "PAYER_NOT_FOUND",
    "46733123458": "NOT_ALLOWED",
    "46733123459": "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "46733123460": "INVALID_CALLBACK_URL_HOST",
    "46733123461": "INVALID_CURRENCY",
    "46733123462": "INTERNAL_PROCESSING_ERROR",
    "46733123463": "SERVICE_UNAVAILABLE",
    "46733123464": "TRANSFER_TYPE_UNKNOWN",
}


@pytest.mark.parametrize("environment", ["sandbox", "mtnrwanda"])
@pytest.mark.parametrize(("number", "reason"), REASONS.items())
def test_scenario_number_is_accepted_and_then_gives_its_reason(sandbox, environment, number, reason):
    client = MomoClient(sandbox, environment=environment)
    client.sign_in()

    reference_id = client.pay(party_id=number)

    if reason == "ONGOING":
        pending = client.status(reference_id).json()
        assert (pending["status"], "reason" in pending) == ("PENDING", False)
        assert client.wait_for_end(reference_id)["status"] == "SUCCESSFUL"
        return
    body = client.wait_for_end(reference_id)
    assert (body["status"], body["reason"]) == ("FAILED", reason)
    assert "financialTransactionId" not in body
    assert sandbox.float_of(environment) == 100_000_000


def test_ongoing_number_settles_after_its_own_delay(merchant):
    start = time.monotonic()

    merchant.wait_for_end(merchant.pay(party_id="46733123453"))

    assert time.monotonic() - start >= ONGOING_MS / 1000


@pytest.mark.parametrize(
    ("number", "status", "body"),
    [
        ("46733123450", 404, "RESOURCE_NOT_FOUND"),
        ("46733123451", 200, {"result": False}),
        ("46733123452", 500, "NOT_ALLOWED"),
        ("46733123453", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        ("46733123454", 500, "INTERNAL_PROCESSING_ERROR"),
        ("46733123455", 503, "SERVICE_UNAVAILABLE"),
        ("46733123456", 200, {"result": True}),
        ("250788123456", 200, {"result": True}),
        ("254701234567", 200, {"result": False}),
    ],
)
def test_account_holder_numbers_mean_other_things(merchant, number, status, body):
    response = merchant.get(f"accountholder/msisdn/{number}/active")

    assert response.status_code == status
    assert response.json() == body if status == 200 else response.json()["code"] == body


def test_basic_user_info_names_a_person(merchant):
    body = merchant.get("accountholder/msisdn/250788123456/basicuserinfo").json()

    assert (body["given_name"], body["family_name"], body["name"]) == ("Sand", "Box", "Sand Box")


def test_basic_user_info_of_nobody_gets_404(merchant):
    response = merchant.get("accountholder/msisdn/254701234567/basicuserinfo")

    assert (response.status_code, response.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_id_type_must_be_in_lower_case(merchant):
    assert merchant.get("accountholder/MSISDN/250788123456/active").status_code == 400


def test_balance_is_given_in_the_environments_currency_only(merchant):
    balance = {"availableBalance": "100000000", "currency": "RWF"}

    assert merchant.get("account/balance").json() == balance
    assert merchant.get("account/balance/RWF").json() == balance
    assert merchant.get("account/balance/EUR").json()["code"] == "INVALID_CURRENCY"
