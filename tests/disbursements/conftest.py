"""Payouts under test: an owner that remembers, a provider that obeys, an account that bears the cost."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from configuration import selectors
from configuration.categories import Category
from configuration.snapshot import Known, known_category
from disbursements import owners
from disbursements.configuration import NigeriaPayments, PaymentSettings
from disbursements.models import Attempt, Disbursement
from disbursements.providers import registry
from disbursements.providers.mtn_momo import tokens
from disbursements.services.advance import Progress, advance_disbursement
from disbursements.services.requests import request_disbursement
from disbursements.statuses import ProviderSlug
from ledger.invariants import registered_invariants
from ledger.models import Account
from ledger.services import open_account
from ledger.statuses import AccountKind
from tests.disbursements.fake_provider import World
from tests.support.sandbox_process import SandboxProcess

PURPOSE = "promo"
PAYEE = "+250788123456"
CREDENTIALS = {
    "momo_api_user": "11111111-1111-4111-8111-111111111111",
    "momo_api_key": "sandbox-api-key",
    "momo_subscription_key": "sandbox-subscription-key",
    "momo_callbacks_enabled": False,
}


class RememberingOwner:
    """Writes down what it is told."""

    purpose = PURPOSE

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_paid(self, disbursement: Disbursement, at: datetime) -> None:
        self.heard.append("paid")

    def on_failed(self, disbursement: Disbursement, at: datetime) -> None:
        self.heard.append("failed")

    def on_retried(self, disbursement: Disbursement, at: datetime) -> None:
        self.heard.append("retried")

    def on_cancelled(self, disbursement: Disbursement, at: datetime) -> None:
        self.heard.append("cancelled")


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[RememberingOwner]:
    """The owner of every payout in the test."""
    owner = RememberingOwner()
    monkeypatch.setitem(owners._owners, PURPOSE, owner)
    return owner


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def budget(db: None) -> Account:
    return open_account(code="budget", kind=AccountKind.EXPENSE, currency="RWF", name="Budget")


@pytest.fixture
def maker(db: None) -> User:
    return User.objects.create_user(email="maker@example.com", password="x")


@pytest.fixture
def checker(db: None) -> User:
    return User.objects.create_user(email="checker@example.com", password="x")


def payout_content(budget: Account, at: datetime, **changes: object) -> dict[str, object]:
    """What is asked for in most tests: 5,000 francs."""
    return {
        "purpose": PURPOSE,
        "payee": PAYEE,
        "customer": None,
        "amount": Decimal(5000),
        "currency": "RWF",
        "key": "test-1",
        "funded_from": budget,
        "at": at,
        **changes,
    }


def request_payout(budget: Account, at: datetime, **changes: object) -> Disbursement:
    """A payout of 5,000 francs, or with what is changed."""
    with transaction.atomic():
        return request_disbursement(**payout_content(budget, at, **changes))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The provider every payout goes to. Called inside a transaction it fails the test."""
    outside = len(connection.savepoint_ids), connection.in_atomic_block
    world = World()

    def refuse_transactions(name: str) -> None:
        assert (len(connection.savepoint_ids), connection.in_atomic_block) == outside, f"{name} inside a transaction"

    world.watch = refuse_transactions
    for slug in ProviderSlug:
        monkeypatch.setitem(registry._BUILDERS, slug, world.build)
    return world


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PaymentSettings]:
    """Put payment settings in force for the rest of the test; every other category has its defaults, or what
    `configure_naira` put.
    """
    return partial(_put, monkeypatch, PaymentSettings)


@pytest.fixture
def configure_naira(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NigeriaPayments]:
    """The same for the account that pays naira."""
    return partial(_put, monkeypatch, NigeriaPayments)


def _put(monkeypatch: pytest.MonkeyPatch, category: type[Category], **changes: object) -> Category:
    values, others = category(**changes), selectors.known_category
    if others is known_category:  # nothing was put yet
        others = lambda other: Known(1, 1, other())  # noqa: E731
    monkeypatch.setattr(
        selectors, "known_category", lambda asked: Known(1, 1, values) if asked is category else others(asked)
    )
    return values


class Line:
    """One payout followed through time, a step at each `go`."""

    def __init__(self, disbursement: Disbursement, at: datetime) -> None:
        self.id = disbursement.pk
        self.at = at

    @property
    def row(self) -> Disbursement:
        return Disbursement.objects.get(pk=self.id)

    @property
    def attempts(self) -> list[Attempt]:
        return list(Attempt.objects.filter(disbursement_id=self.id).order_by("number"))

    @property
    def attempt(self) -> Attempt:
        return self.attempts[-1]

    @property
    def events(self) -> list[str]:
        """What the audit trail says of it, oldest first, without the request."""
        events = AuditEvent.objects.filter(target_id=str(self.id)).order_by("pk").values_list("action", flat=True)
        return [action.removeprefix("disbursement.") for action in events][1:]

    def go(self) -> Progress:
        """Wait until it is due, if it is scheduled at all, and look at it."""
        self.at = max(self.at, self.row.next_action_at or self.at)
        return advance_disbursement(disbursement_id=self.id, at=self.at)

    def wait(self, **time: float) -> None:
        self.at += timedelta(**time)


@pytest.fixture
def line(budget: Account, now: datetime, owner: RememberingOwner, world: World) -> Iterator[Line]:
    """A requested payout of 5,000 francs. Whatever the test did to it, afterwards every invariant must hold."""
    yield Line(request_payout(budget, now), now)
    assert_invariants()


def assert_invariants() -> None:
    """No invariant of ours is broken. Owners have their own, and the owner here keeps no rows."""
    ours = {
        name: check for name, check in registered_invariants().items() if name.startswith(("ledger.", "disbursements."))
    }
    assert len(ours) == 11
    assert {name: found for name, check in ours.items() if (found := check())} == {}


@pytest.fixture(scope="module")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.reset()
    tokens._known.clear()
    return sandbox_process


@pytest.fixture
def momo(configure: Callable[..., object], sandbox: SandboxProcess) -> Callable[..., None]:
    """Payments configured for the sandbox, or with what is changed."""

    def put(**changes: object) -> None:
        configure(momo_base_url=sandbox.url, **{**CREDENTIALS, **changes})

    put()
    return put


@pytest.fixture
def flow(budget: Account, now: datetime, owner: RememberingOwner, momo: Callable[..., None]) -> Iterator[Line]:
    yield Line(request_payout(budget, now), now)
    assert_invariants()
