"""Payouts under test: an owner that remembers, a provider that obeys, an account that bears the cost."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from disbursements import owners
from disbursements.models import Disbursement
from disbursements.services.requests import request_disbursement
from ledger.models import Account
from ledger.services import open_account
from ledger.statuses import AccountKind

PURPOSE = "promo"
PAYEE = "+250788123456"


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
