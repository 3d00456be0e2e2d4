"""Callbacks over HTTP: stored as they came, answered at once, never believed; and as the sandbox really sends them."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from kombu.exceptions import OperationalError as BrokerError
from pytest_django.live_server_helper import LiveServer

from disbursements.api import raw_requests
from disbursements.statuses import CallbackResult
from loans import tasks
from loans.api import collection_callbacks
from loans.collection_settings import CollectionSettings
from loans.models import CollectionCallback, Repayment
from loans.services.collection_callbacks import process_callback
from tests.loans.collecting.conftest import Asking, assert_charged_once
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v1/webhooks/momo/collections"
REFERENCE = "6f1a2f0e-7f3b-4c58-9a0e-0d6a3f1b2c4d"
BODY = {"financialTransactionId": "684835019", "externalId": "x", "amount": "50", "status": "SUCCESSFUL"}


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What would have been handed to a worker."""
    queued = Mock()
    monkeypatch.setattr(tasks.process_collection_callback, "apply_async", queued)
    return queued


@pytest.fixture
def client() -> Client:
    """A stranger: no session, and CSRF checks on."""
    return Client(enforce_csrf_checks=True, raise_request_exception=True)


def call(client: Client, path: str, body: Any = BODY, method: str = "POST", **extra: Any) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic(method, path, content, content_type="application/json", **extra)


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("path", "reference"),
    [(f"{BASE}/{REFERENCE}/", REFERENCE), (f"{BASE}/{REFERENCE}", REFERENCE), (f"{BASE}/", None), (BASE, None)],
)
def test_callback_is_stored_as_it_came(
    client: Client, queued: Mock, method: str, path: str, reference: str | None
) -> None:
    response = call(client, path, method=method, REMOTE_ADDR="212.88.125.100", HTTP_X_API_TOKEN="secret")

    assert (response.status_code, response.json()) == (200, {"status": "received"})
    stored = CollectionCallback.objects.get()
    assert (stored.reference and str(stored.reference), stored.method) == (reference, method)
    assert (json.loads(stored.body), stored.ip) == (BODY, "212.88.125.100")
    assert stored.headers["X-Api-Token"] == raw_requests.MASK
    queued.assert_called_once_with(kwargs={"callback_id": stored.pk})
    assert not Repayment.objects.exists()


@pytest.mark.parametrize(
    ("body", "kept"), [(b"", ""), (b"\x00\xff", "\\x00\\xff"), (b"not json", "not json"), (b"[" * 5000, "[" * 5000)]
)
def test_any_body_is_kept(client: Client, body: bytes, kept: str) -> None:
    assert call(client, f"{BASE}/{REFERENCE}/", body).status_code == 200
    assert CollectionCallback.objects.get().body == kept


def test_too_large_body_is_refused(client: Client) -> None:
    response = call(client, f"{BASE}/{REFERENCE}/", b"x" * (raw_requests.MAX_BODY_BYTES + 1))

    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")
    assert not CollectionCallback.objects.exists()


@pytest.mark.parametrize("path", [f"{BASE}/no-uuid/", f"{BASE}/{REFERENCE}/more/"])
def test_other_addresses_do_not_exist(client: Client, path: str) -> None:
    assert call(client, path).status_code == 404


def test_other_methods_are_refused(client: Client) -> None:
    assert client.get(f"{BASE}/{REFERENCE}/").status_code == 405


@pytest.mark.parametrize(
    ("sender", "status"), [("212.88.125.100", 200), ("212.88.126.7", 200), ("10.0.0.1", 403), ("2001:db8::1", 403)]
)
def test_only_listed_networks_may_call(client: Client, configure: Callable[..., Any], sender: str, status: int) -> None:
    configure(CollectionSettings, callback_networks=("212.88.125.100", "212.88.126.0/24"))

    assert call(client, f"{BASE}/{REFERENCE}/", REMOTE_ADDR=sender).status_code == status
    assert CollectionCallback.objects.exists() == (status == 200)


def test_callback_that_cannot_be_stored_is_not_taken(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_callbacks, "store_callback", Mock(side_effect=OperationalError))

    response = call(client, f"{BASE}/{REFERENCE}/")

    assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_callback_is_taken_while_the_broker_is_away(client: Client, queued: Mock) -> None:
    queued.side_effect = BrokerError

    assert call(client, f"{BASE}/{REFERENCE}/").status_code == 200
    assert CollectionCallback.objects.exists()


@pytest.fixture
def listening(asking: Asking, live_server: LiveServer, settings: Any, set_up: Callable[..., Any]) -> Asking:
    """Callbacks come to a server that really listens."""
    settings.PUBLIC_URL = live_server.url
    set_up(callbacks_enabled=True)
    return asking


@pytest.mark.parametrize(("fault", "count"), [("none", 1), ("duplicate_callback", 2), ("late_callback", 1)])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_callback_of_the_sandbox_arrives_and_books_once(
    listening: Asking, sandbox: SandboxProcess, fault: str, count: int, method: str
) -> None:
    sandbox.behaviour(callbackMethod=method)
    sandbox.collection_faults(fault, times=1, delayMs=50)

    listening.go()

    sandbox.wait_until(lambda: [sent["state"] for sent in sandbox.collection_callbacks()] == ["delivered"] * count)
    stored = list(CollectionCallback.objects.order_by("id"))
    assert [(one.reference, one.method) for one in stored] == [(listening.id, method)] * count
    results = [process_callback(callback_id=one.pk, at=listening.at) for one in stored]
    assert results == [CallbackResult.SETTLED, CallbackResult.NO_CHANGE][:count]
    assert_charged_once(listening, sandbox)


def test_dropped_callback_is_made_up_for_by_polling(listening: Asking, sandbox: SandboxProcess) -> None:
    sandbox.collection_faults("drop_callback", times=1)

    listening.drive()

    assert [sent["state"] for sent in sandbox.collection_callbacks()] == ["dropped"]
    assert not CollectionCallback.objects.exists()
    assert_charged_once(listening, sandbox)


def test_no_callback_is_asked_for_when_switched_off(
    listening: Asking, sandbox: SandboxProcess, set_up: Callable[..., Any]
) -> None:
    set_up(callbacks_enabled=False)

    listening.drive()

    assert sandbox.collection_callbacks() == []
