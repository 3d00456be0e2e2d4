"""Sweeps, the report of what is stuck, tasks, settings, words and invariants of requests to pay."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pydantic import SecretStr, ValidationError

from accounts.models import User
from loans import tasks
from loans.collection_settings import CollectionSettings
from loans.services import collections
from loans.services.collection_schedule import claim_collection, claim_length
from loans.services.collection_sweeps import report_stuck_collections, sweep_due_collections
from tests.loans.books import broken, tamper
from tests.loans.collecting.conftest import Asking, assert_charged_once
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of requests handed to the workers."""
    handed: list[str] = []
    monkeypatch.setattr(
        tasks.advance_collection, "apply_async", lambda *, kwargs, **_options: handed.append(kwargs["collection_id"])
    )
    return handed


def test_due_request_is_handed_over_once_and_again_after_a_minute(asking: Asking, handed: list[str]) -> None:
    handed.clear()
    counts = [sweep_due_collections(at=asking.at + timedelta(seconds=seconds)) for seconds in (0, 5, 59, 60, 61)]

    assert counts == [1, 0, 0, 1, 0]
    assert handed == [str(asking.id)] * 2


def test_claimed_request_is_left_to_its_worker_until_the_claim_lapses(asking: Asking, handed: list[str]) -> None:
    handed.clear()
    assert claim_collection(collection_id=asking.id, at=asking.at) is not None

    assert claim_collection(collection_id=asking.id, at=asking.at) is None
    assert sweep_due_collections(at=asking.at + claim_length() - timedelta(seconds=1)) == 0
    assert sweep_due_collections(at=asking.at + claim_length()) == 1


def test_booked_request_is_never_swept(asking: Asking) -> None:
    asking.drive()

    assert sweep_due_collections(at=asking.at + timedelta(days=30)) == 0


def test_long_open_requests_are_reported(asking: Asking, sandbox: SandboxProcess) -> None:
    sandbox.collection_faults("stay_pending", times=1)
    asking.go()
    created = asking.row.created_at

    assert report_stuck_collections(at=created + timedelta(minutes=59)) == 0
    assert report_stuck_collections(at=created + timedelta(minutes=60)) == 1

    sandbox.settle_collections()
    asking.drive()
    assert report_stuck_collections(at=created + timedelta(days=1)) == 0


def test_tasks_run_twice_do_it_once(asking: Asking, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        monkeypatch.setattr("loans.tasks.timezone.now", lambda: asking.at)
        tasks.advance_collection(collection_id=str(asking.id))
        assert tasks.advance_collection(collection_id=str(asking.id)) == collections.Progress.NOT_OURS
        asking.at = asking.row.next_action_at or asking.at

    assert_charged_once(asking, sandbox)


@pytest.mark.parametrize(
    "values",
    [
        {"base_url": "ftp://x"},
        {"base_url": "https://x/path"},
        {"target_environment": "MTN"},
        {"currency": "naira"},
        {"api_key": SecretStr("with\nline")},
        {"user_agent": "python-requests/2"},
        {"callback_networks": ("nonsense",)},
        {"poll_delays_seconds": ()},
        {"approval_minutes": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CollectionSettings(**values)


def test_credentials_travel_over_https_outside_the_sandbox(settings: Any) -> None:
    settings.SANDBOX = False
    assert CollectionSettings().base_url == "https://proxy.momoapi.mtn.com"
    assert CollectionSettings(base_url="http://x").refusals().keys() == {"base_url"}
    assert CollectionSettings().refusals() == {}


BREAKS: dict[str, tuple[str, str]] = {
    "repayment of another amount": (
        "loans.collections_booked",
        "UPDATE loans_collection_request SET amount = 1",
    ),
    "another transaction": (
        "loans.collections_booked",
        "UPDATE loans_collection_request SET provider_reference = 'other'",
    ),
    "repayment without its request": (
        "loans.collections_booked",
        "UPDATE loans_collection_request SET status = 'failed', repayment_id = NULL",
    ),
    "paid and never sent": ("loans.collections_sent", "UPDATE loans_collection_request SET sends = 0"),
    "second payment in the trail": (
        "loans.collections_audit_events",
        "UPDATE audit_event SET action = 'collection.paid' WHERE action = 'collection.requested'",
    ),
}


@pytest.mark.parametrize("breach", BREAKS)
def test_corruption_of_a_paid_request_is_found(careless: Asking, breach: str) -> None:
    careless.drive()
    assert broken() == set()
    invariant, statement = BREAKS[breach]

    tamper(statement)

    assert invariant in broken()


def test_forgotten_request_is_found(careless: Asking) -> None:
    tamper("UPDATE loans_collection_request SET next_action_at = now() + interval '1 year'")

    assert broken() == {"loans.collections_schedule"}


def test_staff_see_requests_and_end_them_by_permission(
    asking: Asking, sandbox: SandboxProcess, client: Any, boss: User, handed: list[str]
) -> None:
    sandbox.collection_faults("stay_pending", times=1)
    asking.go()
    client.force_login(boss)
    handed.clear()
    for page in ("collectionrequest/", f"collectionrequest/?q={asking.id}", "collectionrequest/?attention=stuck"):
        assert client.get(f"/admin/loans/{page}").status_code == 200
    page = client.get(f"/admin/loans/collectionrequest/{asking.id}/change/")
    assert "NGN 4,000" in page.content.decode()
    assert client.get("/admin/loans/collectioncallback/").status_code == 200

    def press(button: str, **data: str) -> int:
        page = reverse(f"admin:loans_collectionrequest_{button}", args=[asking.id])
        return int(client.post(page, {"_form_submitted": "True", **data}).status_code)

    assert press("ask_now") == 200
    assert handed == [str(asking.id)]
    assert press("close", reason="Waits too long") == 200
    assert asking.row.status == "pending", "the provider says that the customer may still pay"

    reader = User.objects.create_user(email="clerk@example.com", password="x")
    client.force_login(reader)
    assert press("close", reason="x") == 403
    assert asking.events == ["requested"]
    sandbox.settle_collections()
    asking.drive()
