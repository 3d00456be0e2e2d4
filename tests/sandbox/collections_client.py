"""A merchant of Collections that does everything right, unless a test tells it otherwise."""

import uuid
from typing import Any

import requests

from sandbox.options import DEMO_API_KEY, DEMO_API_USER, DEMO_COLLECTION_KEY
from tests.support.sandbox_process import SandboxProcess

NIGERIAN = "2348031234567"
PATH = "/collection/v1_0/requesttopay"


class CollectionsClient:
    def __init__(self, sandbox: SandboxProcess, *, environment: str = "mtnnigeria") -> None:
        self.sandbox = sandbox
        self.environment = environment
        self.token = ""

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.sandbox.http.request(method, self.sandbox.url + path, timeout=10, **arguments)

    def sign_in(self, *, key: str = DEMO_COLLECTION_KEY) -> requests.Response:
        response = self.call(
            "POST",
            "/collection/token/",
            auth=(DEMO_API_USER, DEMO_API_KEY),
            headers={"Ocp-Apim-Subscription-Key": key},
        )
        if response.ok:
            self.token = response.json()["access_token"]
        return response

    def headers(self, **changes: str | None) -> dict[str, str]:
        """Good headers; a change to None leaves one out. `_` stands for `-`."""
        headers: dict[str, str | None] = {
            "Ocp-Apim-Subscription-Key": DEMO_COLLECTION_KEY,
            "Authorization": f"Bearer {self.token}",
            "X-Target-Environment": self.environment,
        }
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in headers.items() if value is not None}

    def ask(
        self,
        *,
        reference_id: str | None = None,
        party_id: str = NIGERIAN,
        callback_url: str | None = None,
        **changes: Any,
    ) -> requests.Response:
        """Ask a customer to pay 500. `changes` go over the good body; a change to None leaves a field out."""
        body: dict[str, Any] = {
            "amount": "500",
            "currency": "EUR" if self.environment == "sandbox" else "NGN",
            "externalId": "loan-1",
            "payer": {"partyIdType": "MSISDN", "partyId": party_id},
            "payerMessage": "Repayment",
            "payeeNote": "Loan",
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        named = {"X_Reference_Id": reference_id or str(uuid.uuid4()), "X_Callback_Url": callback_url}
        return self.call("POST", PATH, json=body, headers=self.headers(**named))

    def collect(self, **arguments: Any) -> str:
        """Have a request accepted; its reference."""
        reference_id = str(uuid.uuid4())
        response = self.ask(reference_id=reference_id, **arguments)
        assert (response.status_code, response.content) == (202, b""), response.headers
        return reference_id

    def status(self, reference_id: str, **headers: str | None) -> requests.Response:
        return self.call("GET", f"{PATH}/{reference_id}", headers=self.headers(**headers))

    def wait_for_end(self, reference_id: str) -> dict[str, Any]:
        """The status once it is no longer pending."""

        def look() -> dict[str, Any] | None:
            body: dict[str, Any] = self.status(reference_id).json()
            return body if body["status"] != "PENDING" else None

        found = self.sandbox.wait_until(look, what=f"request {reference_id} to end")
        assert found is not None
        return found
