"""An API user of one's own (notes A9): the sandbox environment only, its own callback host only."""

import uuid

import pytest

from sandbox.options import DEMO_API_USER, DEMO_COLLECTION_KEY, DEMO_SUBSCRIPTION_KEY
from tests.sandbox.momo_client import MomoClient
from tests.support.sandbox_process import SandboxProcess

KEY = {"Ocp-Apim-Subscription-Key": DEMO_SUBSCRIPTION_KEY}
HOST = {"providerCallbackHost": "payouts.example.com"}


@pytest.fixture
def client(sandbox: SandboxProcess) -> MomoClient:
    return MomoClient(sandbox, environment="sandbox")


def create_user(client: MomoClient, *, key: str = DEMO_SUBSCRIPTION_KEY) -> None:
    """Make the client a newly provisioned API user."""
    client.user = str(uuid.uuid4())
    headers = {"Ocp-Apim-Subscription-Key": key, "X-Reference-Id": client.user}
    response = client.call("POST", "/v1_0/apiuser", json=HOST, headers=headers)
    assert (response.status_code, response.content) == (201, b"")
    response = client.call("POST", f"/v1_0/apiuser/{client.user}/apikey", headers=headers)
    assert response.status_code == 201
    client.key = response.json()["apiKey"]


def test_provisioned_user_pays_in_the_sandbox_environment(client):
    create_user(client)
    client.sign_in()

    assert client.wait_for_end(client.pay())["status"] == "SUCCESSFUL"
    described = client.call("GET", f"/v1_0/apiuser/{client.user}", headers=KEY).json()
    assert described == HOST | {"targetEnvironment": "sandbox"}


def test_provisioned_user_has_no_country_environment(client):
    create_user(client)
    client.sign_in()

    response = client.transfer(headers={"X_Target_Environment": "mtnrwanda"}, currency="RWF")

    assert (response.status_code, response.json()["code"]) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")


def test_user_of_collections_gets_a_token_but_may_not_pay(client):
    create_user(client, key=DEMO_COLLECTION_KEY)
    client.sign_in()

    response = client.transfer()

    assert (response.status_code, response.json()["code"]) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://payouts.example.com/callback", 202),
        ("http://PAYOUTS.example.com:8080/callback", 202),
        ("http://127.0.0.1:9/callback", 500),
        ("http://example.com/callback", 500),
    ],
)
def test_callback_host_must_be_the_registered_one(client, url, status):
    create_user(client)
    client.sign_in()
    client.sandbox.faults("drop_callback")

    assert client.transfer(headers={"X_Callback_Url": url}).status_code == status


def test_user_without_a_key_gets_no_token(client):
    client.user = str(uuid.uuid4())
    client.call("POST", "/v1_0/apiuser", json=HOST, headers=KEY | {"X-Reference-Id": client.user})

    assert client.ask_token().json() == {"error": "login_failed"}


def test_new_key_replaces_the_old_one(client):
    create_user(client)
    client.call("POST", f"/v1_0/apiuser/{client.user}/apikey", headers=KEY)

    assert client.ask_token().status_code == 401


def test_transfer_of_one_user_is_not_seen_by_another(client):
    client.sign_in()
    reference_id = client.pay()
    create_user(client)
    client.sign_in()

    assert client.status(reference_id).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (KEY, HOST, 400),
        (KEY | {"X-Reference-Id": "me"}, HOST, 400),
        (KEY | {"X-Reference-Id": DEMO_API_USER}, HOST, 409),
        ({"X-Reference-Id": str(uuid.uuid4())}, HOST, 401),
        (KEY | {"X-Reference-Id": str(uuid.uuid4())}, {}, 400),
        (KEY | {"X-Reference-Id": str(uuid.uuid4())}, {"providerCallbackHost": "http://a.com"}, 400),
        (KEY | {"X-Reference-Id": str(uuid.uuid4())}, {"providerCallbackHost": "10.0.0.1"}, 400),
    ],
)
def test_wrong_provisioning_is_refused(client, headers, body, status):
    assert client.call("POST", "/v1_0/apiuser", json=body, headers=headers).status_code == status


@pytest.mark.parametrize("user_id", ["22222222-2222-4222-8222-222222222222", DEMO_API_USER])
def test_only_provisioned_users_can_be_asked_for(client, user_id):
    assert client.call("GET", f"/v1_0/apiuser/{user_id}", headers=KEY).status_code == 404
    assert client.call("POST", f"/v1_0/apiuser/{user_id}/apikey", headers=KEY).status_code == 404
