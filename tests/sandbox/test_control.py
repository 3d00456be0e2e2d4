"""The rest of the control page: float, behaviour, reset, health, and the page itself."""

import re

import pytest

from tests.sandbox.momo_client import MomoClient


def test_float_is_set_where_the_currency_is_used(sandbox):
    sandbox.set_float(1200, "XOF")
    sandbox.set_float("12.50", "EUR")

    floats = {line["environment"]: line["amount"] for line in sandbox.get("momo/float")}
    assert (floats["mtnivorycoast"], floats["mtnbenin"], floats["sandbox"]) == (1200, 1200, 12.5)
    assert floats["mtnrwanda"] == 100_000_000


def test_float_of_one_environment_can_be_set(sandbox):
    sandbox.post("momo/float", {"amount": 5, "currency": "XOF", "environment": "mtnbenin"})

    assert (sandbox.float_of("mtnbenin"), sandbox.float_of("mtnivorycoast")) == (5, 100_000_000)


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("momo/float", {"amount": 5, "currency": "KES"}),
        ("momo/float", {"amount": 5, "currency": "XOF", "environment": "mtnrwanda"}),
        ("momo/float", {"amount": -5, "currency": "RWF"}),
        ("momo/float", {"amount": "5.5", "currency": "RWF"}),
        ("momo/float", {"amount": 1e30, "currency": "RWF"}),
        ("momo/float", {"amount": True, "currency": "RWF"}),
        ("momo/float", {"currency": "RWF"}),
        ("momo/behaviour", {"settleMs": -1}),
        ("momo/behaviour", {"reasonAs": "list"}),
        ("momo/behaviour", {"newPlatform": 1}),
        ("momo/behaviour", {"colour": "red"}),
        ("momo/settle", {"referenceId": 1}),
        ("sms/delivery-url", {"url": "ftp://example.com"}),
        ("sms/delivery-url", {"url": None}),
        ("sms/faults", {"mode": "refuse"}),
        ("sms/faults", {"mode": "reject"}),
        ("sms/faults", {"mode": "reject", "statusCode": 101}),
        ("sms/faults", {"mode": "timeout", "statusCode": 406}),
    ],
)
def test_wrong_order_gets_400_and_changes_nothing(sandbox, path, order):
    asked = "momo/float" if path == "momo/settle" else path
    before = sandbox.get(asked)

    response = sandbox.http.post(f"{sandbox.url}/_sandbox/{path}", json=order, timeout=30)

    assert (response.status_code, response.json()["code"]) == (400, "INVALID_REQUEST")
    assert sandbox.get(asked) == before


def test_settling_an_unknown_transfer_gets_404(sandbox):
    response = sandbox.http.post(f"{sandbox.url}/_sandbox/momo/settle", json={"referenceId": "x"}, timeout=30)

    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("limit", ["-1", "x", "1e3", "9" * 10])
def test_wrong_limit_gets_400(sandbox, limit):
    for path in ("momo/transfers", "sms"):
        response = sandbox.http.get(f"{sandbox.url}/_sandbox/{path}?limit={limit}", timeout=30)
        assert response.status_code == 400


def test_behaviour_changes_what_is_named_only(sandbox):
    before = sandbox.get("momo/behaviour")

    changed = sandbox.behaviour(settleMs=5, reasonAs="object")

    assert changed == before | {"settleMs": 5, "reasonAs": "object"}
    assert sandbox.get("momo/behaviour") == changed


def test_reset_brings_back_the_start(merchant: MomoClient):
    sandbox = merchant.sandbox
    behaviour = sandbox.get("momo/behaviour")
    reference_id = merchant.pay()
    merchant.wait_for_end(reference_id)
    sandbox.faults("http_503")
    sandbox.sms_faults("http_500")
    sandbox.behaviour(settleMs=9000)
    sandbox.send_reports_to("http://127.0.0.1:9/reports")

    sandbox.reset()

    assert (sandbox.transfers(), sandbox.sms(), sandbox.callbacks()) == ([], [], [])
    assert sandbox.get("momo/faults") == sandbox.get("sms/faults") == {"mode": "none"}
    assert sandbox.get("momo/behaviour") == behaviour
    assert sandbox.get("sms/delivery-url") == {"url": ""}
    assert sandbox.float_of("mtnrwanda") == 100_000_000
    assert merchant.transfer(reference_id=reference_id).status_code == 202


def test_health_answers(sandbox):
    assert sandbox.get("health") == {"status": "ok"}


def test_page_loads_nothing_from_elsewhere(sandbox):
    response = sandbox.http.get(sandbox.url, timeout=30)

    assert response.headers["content-type"].startswith("text/html")
    assert "<title>Sandbox" in response.text
    assert re.findall(r"""(?:https?:)?//[\w.-]+\.\w+|\bsrc=|@import|url\(""", response.text) == []
