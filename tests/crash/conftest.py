"""A town for deaths: the sandbox, processes that can be killed, a batch of codes, and the books to compare."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from promos.models import Batch
from promos.services.batches import create_batch
from promos.terms import BatchTerms
from tests.crash.payouts import AMOUNT
from tests.crash.workers import Workers
from tests.support.sandbox_process import SandboxProcess


@pytest.fixture(scope="package")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture(scope="package")
def workers(django_db_setup: None, sandbox_process: SandboxProcess, live_server: LiveServer) -> Iterator[Workers]:
    """The web process that callbacks reach is the live server."""
    with Workers(sandbox_url=sandbox_process.url, public_url=live_server.url) as workers:
        yield workers


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def batch(now: datetime) -> Batch:
    terms = BatchTerms(
        name="Harvest",
        description="",
        amount_per_code=AMOUNT,
        currency="RWF",
        expiration_date=now + timedelta(days=30),
        budget=AMOUNT * 100,
    )
    return create_batch(terms=terms, at=now)


@pytest.fixture
def keeper() -> User:
    """Staff who retries failed payouts."""
    return User.objects.create_user(email="keeper@example.com", password="x")
