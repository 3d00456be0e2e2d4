"""Callbacks over HTTP: stored as they came, answered at once, never believed (mobile money notes A8)."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from disbursements import tasks
from disbursements.api import callbacks, raw_requests
from disbursements.configuration import NigeriaPayments, PaymentSettings
from disbursements.models import ProviderCallback
from disbursements.statuses import ProviderSlug
from tests.disbursements.conftest import Line

BASE = "/api/v1/webhooks/momo/disbursements"
BALANCE = "/api/v1/webhooks/momo/balance/"
REFERENCE = "6f1a2f0e-7f3b-4c58-9a0e-0d6a3f1b2c4d"
BODY = {"financialTransactionId": "684835019", "externalId": "TX_1", "amount": "50", "status": "SUCCESSFUL"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What would have been handed to a worker."""
    queued = Mock()
    monkeypatch.setattr(tasks.process_callback, "apply_async", queued.process_callback)
    monkeypatch.setattr(tasks.check_balances, "delay", queued.check_balances)
    return queued


@pytest.fixture
def use_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(**changes: object) -> None:
        accounts = [PaymentSettings(**changes), NigeriaPayments(**changes)]
        monkeypatch.setattr(callbacks, "all_accounts", lambda: accounts)

    return use


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
    [
        (f"{BASE}/{REFERENCE}/", REFERENCE),
        (f"{BASE}/{REFERENCE}", REFERENCE),
        (f"{BASE}/", ""),
        (BASE, ""),
    ],
)
def test_callback_is_stored_as_it_came(client: Client, method: str, path: str, reference: str) -> None:
    before = timezone.now()

    response = call(client, path, method=method, REMOTE_ADDR="212.88.125.100", HTTP_USER_AGENT="MTN")

    assert (response.status_code, response.json()) == (200, {"status": "received"})
    stored = ProviderCallback.objects.get()
    assert (stored.provider, stored.reference, stored.method) == (ProviderSlug.MTN_MOMO, reference, method)
    assert json.loads(stored.body) == BODY
    assert stored.ip == "212.88.125.100"
    assert stored.headers["User-Agent"] == "MTN"
    assert stored.headers["Content-Type"] == "application/json"
    assert before <= stored.received_at <= timezone.now()
    assert (stored.result, stored.processed_at) == ("", None)


def test_callback_is_handed_to_a_worker_after_the_commit(
    client: Client, queued: Mock, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as after_commit:
        call(client, f"{BASE}/{REFERENCE}/")

    queued.process_callback.assert_not_called()
    for act in after_commit:
        act()
    queued.process_callback.assert_called_once_with(kwargs={"callback_id": ProviderCallback.objects.get().pk})


def test_callback_takes_one_insert_and_no_other_statement(
    client: Client, django_assert_num_queries: Any, use_settings: Callable[..., None]
) -> None:
    use_settings()
    with django_assert_num_queries(3):  # savepoint, INSERT, release
        call(client, f"{BASE}/{REFERENCE}/")


def test_callback_again_is_stored_again(client: Client) -> None:
    for _ in range(3):
        assert call(client, f"{BASE}/{REFERENCE}/").status_code == 200

    assert ProviderCallback.objects.count() == 3


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (b"", ""),
        (b"{", "{"),
        (b"<xml/>", "<xml/>"),
        (b"[" * 60_000, "[" * 60_000),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"a\x00b", "a\\x00b"),
        ("é\U0001f389".encode(), "é\U0001f389"),
        (b"x" * raw_requests.MAX_BODY_BYTES, "x" * raw_requests.MAX_BODY_BYTES),
    ],
)
def test_callback_that_is_no_json_is_stored_too(client: Client, body: bytes, stored: str) -> None:
    response = call(client, f"{BASE}/{REFERENCE}/", body)

    assert response.status_code == 200
    assert ProviderCallback.objects.get().body == stored


def test_callback_as_a_form_is_stored_too(client: Client) -> None:
    response = client.post(f"{BASE}/{REFERENCE}/", {"a": "1"})

    assert response.status_code == 200
    assert 'name="a"' in ProviderCallback.objects.get().body


def test_callback_too_large_is_refused_and_leaves_nothing(client: Client) -> None:
    response = call(client, f"{BASE}/{REFERENCE}/", b"x" * (raw_requests.MAX_BODY_BYTES + 1))

    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")
    assert ProviderCallback.objects.count() == 0


def test_callback_keeps_no_secret_and_no_endless_header(client: Client) -> None:
    secrets = {
        "HTTP_AUTHORIZATION": "Bearer s3cret",
        "HTTP_COOKIE": "sessionid=s3cret",
        "HTTP_OCP_APIM_SUBSCRIPTION_KEY": "s3cret",
        "HTTP_X_API_TOKEN": "s3cret",
        "HTTP_X_SHARED_SECRET": "s3cret",
    }
    many = {f"HTTP_X_{number}": "y" * 2000 for number in range(100)}

    call(client, f"{BASE}/{REFERENCE}/", **secrets, **many)

    headers = ProviderCallback.objects.get().headers
    assert "s3cret" not in json.dumps(headers)
    assert headers["Authorization"] == raw_requests.MASK
    assert len(headers) == raw_requests.MAX_HEADERS
    assert max(len(value) for value in headers.values()) == raw_requests.MAX_HEADER_LENGTH


@pytest.mark.parametrize(
    "reference", ["1", "not-a-uuid", "6f1a2f0e7f3b4c589a0e0d6a3f1b2c4d", f"{REFERENCE}/more", "%00", "' OR 1=1"]
)
def test_callback_to_a_path_that_is_no_reference_is_not_found(client: Client, reference: str) -> None:
    assert call(client, f"{BASE}/{reference}/").status_code == 404
    assert ProviderCallback.objects.count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS"])
def test_callback_by_another_method_is_refused(client: Client, method: str) -> None:
    response = call(client, f"{BASE}/{REFERENCE}/", method=method)

    assert response.status_code == 405
    assert response["Allow"] == "PUT, POST"
    assert ProviderCallback.objects.count() == 0


def test_callback_without_database_is_not_taken(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "store_callback", Mock(side_effect=OperationalError("gone")))

    response = call(client, f"{BASE}/{REFERENCE}/")

    assert (response.status_code, response.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(response["Retry-After"]) > 0


def test_callback_with_broker_away_is_stored_all_the_same(
    client: Client, queued: Mock, django_capture_on_commit_callbacks: Any
) -> None:
    queued.process_callback.side_effect = BrokerError("gone")

    with django_capture_on_commit_callbacks(execute=True):
        response = call(client, f"{BASE}/{REFERENCE}/")

    assert response.status_code == 200
    assert ProviderCallback.objects.count() == 1


@pytest.mark.parametrize(
    ("networks", "sender", "status"),
    [
        ([], "203.0.113.7", 200),
        (["212.88.125.100"], "212.88.125.100", 200),
        (["212.88.125.100"], "212.88.125.101", 403),
        (["10.0.0.0/8", "212.88.125.0/24"], "212.88.125.9", 200),
        (["212.88.125.0/24"], "::1", 403),
        (["212.88.125.0/24"], "", 403),
        (["2001:db8::/32"], "2001:db8::7", 200),
    ],
)
@pytest.mark.parametrize("path", [f"{BASE}/{REFERENCE}/", BALANCE])
def test_callback_only_from_networks_listed(
    client: Client, use_settings: Callable[..., None], path: str, networks: list[str], sender: str, status: int
) -> None:
    use_settings(momo_callback_networks=networks)

    response = call(client, path, REMOTE_ADDR=sender)

    taken = status == 200
    assert response.status_code == (202 if taken and path == BALANCE else status)
    assert ProviderCallback.objects.count() == (1 if taken and path != BALANCE else 0)


@pytest.fixture
def two_lists(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Rwanda calls from one address, Nigeria from another."""
    rwanda, nigeria = "212.88.125.100", "197.210.0.1"
    accounts = [PaymentSettings(momo_callback_networks=[rwanda]), NigeriaPayments(momo_callback_networks=[nigeria])]
    monkeypatch.setattr(callbacks, "all_accounts", lambda: accounts)
    return rwanda, nigeria


@pytest.mark.parametrize("by_external_id", [False, True])
def test_callback_only_from_networks_of_the_account_that_pays(
    client: Client, line: Line, two_lists: tuple[str, str], by_external_id: bool
) -> None:
    rwanda, nigeria = two_lists
    line.go()
    body = {"externalId": line.attempt.external_id} if by_external_id else BODY
    path = f"{BASE}/" if by_external_id else f"{BASE}/{line.attempt.pk}/"

    statuses = [call(client, path, body, REMOTE_ADDR=ip).status_code for ip in (nigeria, rwanda, "203.0.113.7")]

    assert statuses == [403, 200, 403]
    assert ProviderCallback.objects.get().ip == rwanda


def test_callback_of_an_unknown_payout_may_come_from_either(client: Client, two_lists: tuple[str, str]) -> None:
    for sender in two_lists:
        assert call(client, f"{BASE}/{REFERENCE}/", REMOTE_ADDR=sender).status_code == 200
        assert call(client, BALANCE, REMOTE_ADDR=sender).status_code == 202

    assert ProviderCallback.objects.count() == 2


def test_callback_address_is_the_one_sent_to_the_provider() -> None:
    from django.urls import reverse

    reference = uuid4()
    assert reverse("momo_callback", kwargs={"reference": reference}) == f"{BASE}/{reference}/"


@pytest.mark.parametrize("path", [BALANCE, BALANCE.rstrip("/")])
def test_balance_event_has_the_balance_looked_up_and_believes_nothing(client: Client, queued: Mock, path: str) -> None:
    response = call(client, path, {"availableBalance": "999999999", "currency": "RWF"})

    assert (response.status_code, response.json()) == (202, {"status": "received"})
    queued.check_balances.assert_called_once_with()


def test_balance_events_in_a_row_are_one_look(client: Client, queued: Mock) -> None:
    for _ in range(5):
        assert call(client, BALANCE).status_code == 202

    queued.check_balances.assert_called_once_with()


@pytest.mark.parametrize("error", [BrokerError("gone"), OSError("gone")])
def test_balance_event_with_broker_away_is_answered(client: Client, queued: Mock, error: Exception) -> None:
    queued.check_balances.side_effect = error

    assert call(client, BALANCE).status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_balance_event_by_another_method_is_refused(client: Client, queued: Mock, method: str) -> None:
    assert call(client, BALANCE, method=method).status_code == 405
    queued.check_balances.assert_not_called()
