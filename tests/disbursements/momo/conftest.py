"""The sandbox as a process, a server that misbehaves, and clients of both."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from django.conf import settings
from django_redis import get_redis_connection

from disbursements.configuration import PaymentSettings
from disbursements.providers.base import Transfer
from disbursements.providers.mtn_momo import MtnMomo, build_client, tokens
from outbound.exchange import TimeLimit
from tests.disbursements.momo.raw_server import RawServer, say_token
from tests.support.sandbox_process import SandboxProcess

CREDENTIALS = {
    "momo_api_user": "11111111-1111-4111-8111-111111111111",
    "momo_api_key": "sandbox-api-key",
    "momo_subscription_key": "sandbox-subscription-key",
}
MakeClient = Callable[..., MtnMomo]
TRANSFER = "/disbursement/v1_0/transfer"


@pytest.fixture(scope="package")
def sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def misbehaving() -> Iterator[RawServer]:
    """Gives a token; what it says to other calls the test decides."""
    with RawServer({"/disbursement/token/": [say_token()]}) as server:
        yield server


@pytest.fixture(autouse=True)
def forget_tokens() -> None:
    """As if nobody had asked for a token yet; a port, and so the name of a token, may come back in a later test."""
    tokens._known.clear()
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:momo:*", count=1000):
        client.delete(key)


def make_client(url: str, *, limit: TimeLimit | None = None, **changes: object) -> MtnMomo:
    """A client without callbacks; `limit` in seconds may be shorter than settings allow."""
    values = {**CREDENTIALS, "momo_callbacks_enabled": False, "momo_read_timeout_seconds": 30, **changes}
    client = build_client(PaymentSettings(momo_base_url=url, **values))
    if limit is None:
        return client
    return replace(client, calls=replace(client.calls, merchant=replace(client.calls.merchant, limit=limit)))


def sign_in(url: str) -> None:
    """Get a token with all the time in the world, for clients whose short limit is about what comes after it."""
    make_client(url, momo_read_timeout_seconds=60).calls.tokens.current()


def make_transfer(**changes: object) -> Transfer:
    values: dict[str, object] = {
        "reference": uuid4(),
        "external_id": uuid4().hex,
        "payee": "+250788123456",
        "amount": Decimal(5000),
        "currency": "RWF",
        "payer_message": "Promo",
        "payee_note": "You won",
    }
    return Transfer(**{**values, **changes})  # type: ignore[arg-type]
