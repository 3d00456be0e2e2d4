"""Requests to pay on the real sandbox, over HTTP. Whatever a test does to one, afterwards every invariant holds."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from disbursements.providers.mtn_momo import tokens
from loans.collection_settings import CollectionSettings
from loans.models import CollectionRequest, Loan, Repayment
from loans.services.collections import Progress, advance_collection, request_collection
from sandbox.options import DEMO_API_KEY, DEMO_API_USER, DEMO_COLLECTION_KEY
from tests.loans.books import broken, fake_world, paid_out_loan
from tests.support.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def collecting_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0, ongoing_ms=600_000) as process:
        yield process


@pytest.fixture
def sandbox(collecting_sandbox: SandboxProcess) -> SandboxProcess:
    collecting_sandbox.reset()
    tokens._known.clear()
    return collecting_sandbox


@pytest.fixture
def set_up(configure: Callable[..., Any], sandbox: SandboxProcess) -> Callable[..., CollectionSettings]:
    """Requests to pay go to the sandbox, or with what is changed."""

    def put(**changes: object) -> CollectionSettings:
        chosen = CollectionSettings(
            **{  # type: ignore[arg-type]
                "base_url": sandbox.url,
                "api_user": DEMO_API_USER,
                "api_key": DEMO_API_KEY,
                "subscription_key": DEMO_COLLECTION_KEY,
                "read_timeout_seconds": 1,
                "callbacks_enabled": False,
                **changes,
            }
        )
        configure(CollectionSettings, **dict(chosen))
        return chosen

    put()
    return put


@pytest.fixture
def loan(alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Loan:
    """Alice got 9,000 an hour ago and owes 10,000."""
    fake_world(monkeypatch)
    return paid_out_loan(alice, at=now - timedelta(hours=1))


class Asking:
    """One request to pay followed through time, a step at each `go`."""

    def __init__(self, collection: CollectionRequest, at: datetime) -> None:
        self.id = collection.pk
        self.at = at

    @property
    def row(self) -> CollectionRequest:
        return CollectionRequest.objects.select_related("loan").get(pk=self.id)

    @property
    def events(self) -> list[str]:
        """What the audit trail says of it, oldest first."""
        events = AuditEvent.objects.filter(target_id=str(self.id)).order_by("pk").values_list("action", flat=True)
        return [action.removeprefix("collection.") for action in events]

    def go(self) -> Progress:
        """Wait until it is due, if it is scheduled at all, and look at it."""
        self.at = max(self.at, self.row.next_action_at or self.at)
        return advance_collection(collection_id=self.id, at=self.at)

    def drive(self, *, steps: int = 40) -> None:
        """Look at it whenever it is due, until it has ended."""
        for _ in range(steps):
            self.go()
            if self.row.finished_at:
                return
        raise AssertionError(f"still {self.row.status} after {steps} steps: {self.row.error_code}")

    def wait(self, **time: float) -> None:
        self.at += timedelta(**time)


@pytest.fixture
def careless(loan: Loan, now: datetime, set_up: Callable[..., CollectionSettings]) -> Asking:
    """Alice chose to repay 4,000. For controls, which break what must hold."""
    return Asking(request_collection(loan_id=loan.pk, amount=Decimal(4000), key="menu:1", at=now), now)


@pytest.fixture
def asking(careless: Asking) -> Iterator[Asking]:
    """Alice chose to repay 4,000. Whatever the test did, at the end every invariant holds."""
    yield careless
    assert broken() == set()


def paid(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """What customers really paid, by the sandbox's book."""
    return [line for line in sandbox.collections() if line["status"] == "SUCCESSFUL"]


def assert_charged_once(asking: Asking, sandbox: SandboxProcess) -> None:
    """One request in the provider's book, paid, and booked as the one repayment of 4,000."""
    (line,) = sandbox.collections()
    row = asking.row
    assert (line["referenceId"], line["status"], line["amount"]) == (str(row.pk), "SUCCESSFUL", 4000)
    assert (row.status, row.provider_reference) == ("completed", line["financialTransactionId"])
    (repayment,) = Repayment.objects.all()
    assert (repayment.pk, repayment.amount, repayment.rail) == (row.repayment_id, Decimal(4000), "mtn_momo")
    assert (repayment.reference, repayment.channel) == (row.provider_reference, "request_to_pay")
    row.loan.refresh_from_db()
    assert (row.loan.status, row.loan.outstanding) == ("REPAYING", Decimal(6000))
    assert asking.events.count("paid") == 1


def assert_not_charged(asking: Asking, sandbox: SandboxProcess) -> None:
    """Ended without money, on either side."""
    assert paid(sandbox) == []
    assert asking.row.status == "failed"
    assert not Repayment.objects.exists()
    assert asking.row.loan.outstanding == Decimal(10_000)
