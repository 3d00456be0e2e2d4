"""Our float at the provider (mobile money notes A7)."""

from decimal import Decimal

import pytest

from disbursements.providers.base import FloatBalance
from tests.disbursements.momo.conftest import make_client
from tests.disbursements.momo.raw_server import RawServer, say, say_json
from tests.support.ports import closed_port
from tests.support.sandbox_process import SandboxProcess

PATH = "/disbursement/v1_0/account/balance"


def test_balance_is_what_the_provider_says(sandbox: SandboxProcess) -> None:
    sandbox.set_float("12345", "RWF")

    assert make_client(sandbox.url).balance("RWF") == FloatBalance(Decimal(12345), "RWF")


def test_balance_in_another_currency_is_unknown(sandbox: SandboxProcess) -> None:
    assert make_client(sandbox.url).balance("EUR") == FloatBalance(None, "EUR")


def test_balance_without_connection_is_unknown() -> None:
    client = make_client(f"http://127.0.0.1:{closed_port()}")

    assert client.balance("RWF") == FloatBalance(None, "RWF")


@pytest.mark.parametrize(
    ("answer", "available"),
    [
        (say_json(200, {"availableBalance": 1000, "currency": "RWF"}), Decimal(1000)),
        (say_json(200, {"availableBalance": 10.25, "currency": "RWF"}), Decimal("10.25")),
        (say_json(200, {"availableBalance": "-5", "currency": "RWF"}), Decimal(-5)),
        (say_json(200, {"availableBalance": "plenty", "currency": "RWF"}), None),
        (say_json(200, {"availableBalance": "1e400", "currency": "RWF"}), None),
        (say_json(200, {"currency": "RWF"}), None),
        (say_json(200, {"availableBalance": "1000"}), None),
        (say_json(500, {"availableBalance": "1000", "currency": "RWF"}), None),
        (say(200), None),
        (say(200, "<html>Request Rejected</html>"), None),
    ],
)
def test_balance_is_read_leniently_and_never_guessed(
    misbehaving: RawServer, answer: object, available: Decimal | None
) -> None:
    misbehaving.answers[PATH] = [answer]  # type: ignore[list-item]

    assert make_client(misbehaving.url).balance("RWF") == FloatBalance(available, "RWF")
