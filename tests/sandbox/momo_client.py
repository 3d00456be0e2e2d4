"""A merchant that does everything right, unless a test tells it otherwise."""

import uuid
from typing import Any

import requests

from sandbox.options import DEMO_API_KEY, DEMO_API_USER, DEMO_SUBSCRIPTION_KEY
from tests.support.sandbox_process import SandboxProcess

RWANDAN = "250788123456"
TRANSFER = "/disbursement/v1_0/transfer"


class MomoClient:
    def __init__(self, sandbox: SandboxProcess, *, environment: str = "mtnrwanda") -> None:
        self.sandbox = sandbox
        self.environment = environment
        self.user, self.key = DEMO_API_USER, DEMO_API_KEY
        self.token = ""

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.sandbox.http.request(method, self.sandbox.url + path, timeout=30, **arguments)

    def ask_token(self, **arguments: Any) -> requests.Response:
        arguments.setdefault("auth", (self.user, self.key))
        arguments.setdefault("headers", {"Ocp-Apim-Subscription-Key": DEMO_SUBSCRIPTION_KEY})
        return self.call("POST", "/disbursement/token/", **arguments)

    def sign_in(self) -> None:
        response = self.ask_token()
        assert response.status_code == 200, response.text
        self.token = response.json()["access_token"]

    def headers(self, **changes: str | None) -> dict[str, str]:
        """Good headers; a change to None leaves one out. `_` stands for `-`."""
        headers: dict[str, str | None] = {
            "Ocp-Apim-Subscription-Key": DEMO_SUBSCRIPTION_KEY,
            "Authorization": f"Bearer {self.token}",
            "X-Target-Environment": self.environment,
        }
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in headers.items() if value is not None}

    def body(self, **changes: Any) -> dict[str, Any]:
        """A good body in the environment's currency; a change to None leaves a field out."""
        body: dict[str, Any] = {
            "amount": "500",
            "currency": "EUR" if self.environment == "sandbox" else "RWF",
            "externalId": "order-1",
            "payee": {"partyIdType": "MSISDN", "partyId": RWANDAN},
            "payerMessage": "Promo code",
            "payeeNote": "Thank you",
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def transfer(
        self,
        *,
        reference_id: str | None = None,
        party_id: str = RWANDAN,
        headers: dict[str, str | None] | None = None,
        **changes: Any,
    ) -> requests.Response:
        """Ask for a transfer. `headers` and `changes` go over the good ones."""
        named: dict[str, str | None] = {"X_Reference_Id": reference_id or str(uuid.uuid4())}
        changes.setdefault("payee", {"partyIdType": "MSISDN", "partyId": party_id})
        return self.call("POST", TRANSFER, json=self.body(**changes), headers=self.headers(**(named | (headers or {}))))

    def pay(self, **arguments: Any) -> str:
        """Have a transfer accepted; its reference."""
        reference_id = str(uuid.uuid4())
        response = self.transfer(reference_id=reference_id, **arguments)
        assert (response.status_code, response.content) == (202, b""), response.headers
        return reference_id

    def status(self, reference_id: str, **headers: str | None) -> requests.Response:
        return self.call("GET", f"{TRANSFER}/{reference_id}", headers=self.headers(**headers))

    def get(self, path: str, **headers: str | None) -> requests.Response:
        return self.call("GET", f"/disbursement/v1_0/{path}", headers=self.headers(**headers))

    def wait_for_end(self, reference_id: str) -> dict[str, Any]:
        """The status once it is no longer pending."""

        def look() -> dict[str, Any] | None:
            body: dict[str, Any] = self.status(reference_id).json()
            return body if body["status"] != "PENDING" else None

        found = self.sandbox.wait_until(look, what=f"transfer {reference_id} to end")
        assert found is not None
        return found
