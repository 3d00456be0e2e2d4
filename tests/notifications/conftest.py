"""Fixtures of the message tests."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from notifications import templates
from tests.support.sandbox_process import SandboxProcess

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PAID = "test.paid"


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture(autouse=True)
def paid_template() -> Iterator[str]:
    """A template of the tests' own."""
    before = dict(templates._templates)
    templates.register_template(
        PAID,
        words={"en": "You have been paid {amount}. Ref {reference}.", "rw": "Wishyuwe {amount}. {reference}"},
        fields={"amount": "RWF 1,000,000", "reference": "R" * 20},
    )
    yield PAID
    templates._templates.clear()
    templates._templates.update(before)


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(report_ms=0, sms_senders="STARHASH") as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process, settings) -> SandboxProcess:
    """The simulated provider, empty, and our settings pointing at it."""
    sandbox_process.reset()
    settings.SANDBOX_URL = sandbox_process.url
    return sandbox_process
