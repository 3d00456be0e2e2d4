"""`POST /disbursement/token/`: notes A3."""

import base64
import http.client

import pytest

from sandbox.options import DEMO_API_KEY, DEMO_API_USER, DEMO_COLLECTION_KEY, DEMO_SUBSCRIPTION_KEY
from tests.sandbox.momo_client import MomoClient
from tests.support.sandbox_process import SandboxProcess

KEY = {"Ocp-Apim-Subscription-Key": DEMO_SUBSCRIPTION_KEY}


@pytest.fixture
def client(sandbox: SandboxProcess) -> MomoClient:
    return MomoClient(sandbox)


@pytest.mark.parametrize("arguments", [{}, {"json": {}}], ids=["empty body", "empty object"])
def test_token_is_given_for_good_credentials(client, arguments):
    response = client.ask_token(**arguments)

    assert response.status_code == 200
    body = response.json()
    assert body == {"access_token": body["access_token"], "token_type": "access_token", "expires_in": 3600}
    assert len(body["access_token"]) > 40


@pytest.mark.parametrize(
    ("arguments", "status", "body"),
    [
        ({"auth": (DEMO_API_USER, "wrong")}, 401, {"error": "login_failed"}),
        ({"auth": ("22222222-2222-4222-8222-222222222222", DEMO_API_KEY)}, 401, {"error": "invalid_client"}),
        ({"auth": None}, 401, {"error": "invalid_client"}),
        ({"auth": None, "headers": KEY | {"Authorization": "Basic %%%"}}, 401, {"error": "invalid_client"}),
    ],
    ids=["wrong key", "unknown user", "no credentials", "no base64"],
)
def test_token_is_refused_for_bad_credentials(client, arguments, status, body):
    response = client.ask_token(**arguments)

    assert (response.status_code, response.json()) == (status, body)


@pytest.mark.parametrize("key", [None, "wrong", DEMO_COLLECTION_KEY])
def test_token_needs_the_products_subscription_key(client, key):
    response = client.ask_token(headers={"Ocp-Apim-Subscription-Key": key} if key else {})

    assert response.status_code == 401
    assert response.json()["statusCode"] == 401
    assert response.json()["message"].startswith("Access denied due to")


def test_token_without_content_length_gets_411(client):
    connection = http.client.HTTPConnection("127.0.0.1", client.sandbox.port, timeout=30)
    credentials = base64.b64encode(f"{DEMO_API_USER}:{DEMO_API_KEY}".encode()).decode()
    connection.putrequest("POST", "/disbursement/token/")
    for name, value in (KEY | {"Authorization": f"Basic {credentials}"}).items():
        connection.putheader(name, value)
    connection.endheaders()

    assert connection.getresponse().status == 411
    connection.close()


def test_token_call_with_a_form_gets_the_firewalls_page_with_200(client):
    response = client.ask_token(data={"grant_type": "client_credentials"})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "Request Rejected" in response.text


def test_token_path_needs_its_slash(client):
    response = client.call("POST", "/disbursement/token", headers=KEY, auth=(client.user, client.key))

    assert (response.status_code, response.json()["statusCode"]) == (404, 404)


def test_token_expires(client):
    client.sandbox.behaviour(tokenSeconds=1)
    client.sign_in()
    assert client.get("account/balance").status_code == 200

    client.sandbox.wait_until(lambda: client.get("account/balance").status_code == 401)

    assert client.get("account/balance").json() == {"error": "invalid_token"}


def test_token_of_collections_opens_nothing_here(client):
    response = client.call(
        "POST",
        "/collection/token/",
        headers={"Ocp-Apim-Subscription-Key": DEMO_COLLECTION_KEY},
        auth=(client.user, client.key),
    )
    client.token = response.json()["access_token"]

    assert client.get("account/balance").status_code == 401


def test_token_survives_a_reset(client):
    client.sign_in()

    client.sandbox.reset()

    assert client.get("account/balance").status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer made-up", "made-up"])
def test_calls_need_a_known_bearer_token(merchant, authorization):
    response = merchant.transfer(headers={"Authorization": authorization})

    assert response.status_code == 401
    assert set(response.json()) in ({"error"}, {"statusCode", "message"})
    assert merchant.sandbox.transfers() == []


class TestNewPlatform:
    """The differences of momoapi.momo.africa (notes A1)."""

    @pytest.fixture(autouse=True)
    def new_platform(self, client):
        client.sandbox.behaviour(newPlatform=True)

    def test_python_requests_gets_an_html_403(self, client):
        response = client.ask_token()

        assert response.status_code == 403
        assert response.headers["content-type"].startswith("text/html")

    def test_token_needs_the_target_environment(self, client):
        response = client.ask_token(headers=KEY | {"User-Agent": "Starhash"})

        assert response.status_code == 400
        assert response.json() == {"error": "Invalid or missing X-Target-Environment header"}

    def test_token_is_given_with_it(self, client):
        headers = KEY | {"User-Agent": "Starhash", "X-Target-Environment": "mtnrwanda"}

        assert client.ask_token(headers=headers).status_code == 200

    def test_url_encoded_credentials_get_500(self, client):
        encoded = base64.b64encode(f"{DEMO_API_USER}:{DEMO_API_KEY}".encode()).decode().replace("=", "%3D")
        assert "%3D" in encoded
        headers = KEY | {
            "User-Agent": "Starhash",
            "X-Target-Environment": "mtnrwanda",
            "Authorization": f"Basic {encoded}",
        }

        assert client.ask_token(auth=None, headers=headers).status_code == 500
