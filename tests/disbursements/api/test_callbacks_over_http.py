"""Callbacks as the sandbox really sends them, to a server that really listens."""

from collections.abc import Callable, Iterator

import pytest
from django.db.models import QuerySet
from pytest_django.live_server_helper import LiveServer

from disbursements.models import ProviderCallback
from disbursements.providers.base import Answer, Transfer
from tests.disbursements.momo.conftest import make_client, make_transfer
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def pay(sandbox: SandboxProcess, live_server: LiveServer, settings: object) -> Callable[..., Transfer]:
    settings.PUBLIC_URL = live_server.url  # type: ignore[attr-defined]

    def pay(**changes: object) -> Transfer:
        transfer = make_transfer(**changes)
        outcome = make_client(sandbox.url, momo_callbacks_enabled=True).send(transfer)
        assert outcome.answer is Answer.ACCEPTED
        return transfer

    return pay


def delivered(sandbox: SandboxProcess, count: int) -> QuerySet[ProviderCallback]:
    sandbox.wait_until(lambda: [call["state"] for call in sandbox.callbacks()] == ["delivered"] * count)
    return ProviderCallback.objects.order_by("id")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_callback_of_the_sandbox_arrives_under_our_reference(
    sandbox: SandboxProcess, pay: Callable[..., Transfer], method: str
) -> None:
    sandbox.behaviour(callbackMethod=method)

    transfer = pay()

    [stored] = delivered(sandbox, 1)
    assert (stored.reference, stored.method) == (str(transfer.reference), method)
    assert '"SUCCESSFUL"' in stored.body
    assert transfer.external_id in stored.body


def test_callback_sent_twice_is_stored_twice(sandbox: SandboxProcess, pay: Callable[..., Transfer]) -> None:
    sandbox.faults("duplicate_callback", times=1)

    transfer = pay()

    assert {stored.reference for stored in delivered(sandbox, 2)} == {str(transfer.reference)}


def test_callback_of_a_failed_transfer_arrives_too(sandbox: SandboxProcess, pay: Callable[..., Transfer]) -> None:
    pay(payee="+46733123451")

    [stored] = delivered(sandbox, 1)
    assert "APPROVAL_REJECTED" in stored.body
