"""What the phone's page asks the server for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.demo.loader import load_demo
from promos.models import PromoCode
from promos.statuses import CodeStatus
from tests.support.sandbox_process import SandboxProcess
from ussd.models import Gateway
from ussd.services.gateways import change_gateway, reveal_secret

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo() -> Iterator[datetime]:
    """Demo data, without anything that runs."""
    at = timezone.now()
    load_demo(at=at)
    yield at


def setup_of(client: Client) -> dict[str, Any]:
    context: Any = client.get("/simulator/").context
    return dict(context["setup"])


def test_the_phone_knows_where_to_dial_and_what_for(client: Client, demo: datetime) -> None:
    found = setup_of(client)

    (gateway,) = found["gateways"]  # the one that speaks Africa's Talking's format
    secret = reveal_secret(gateway=Gateway.objects.get(slug="demo-at"))
    assert gateway["address"] == f"/api/v1/ussd/handle/demo-at/{secret}/"
    assert {line["code"]: line["title"] for line in gateway["serviceCodes"]} == {
        "*123#": "Redeem a promo code",
        "*100#": "Main menu",
        "*200#": "Loans",
    }
    assert len(found["people"]) == 12


def test_a_gateway_that_is_off_is_not_offered(client: Client, demo: datetime) -> None:
    gateway = Gateway.objects.get(slug="demo-at")
    change_gateway(gateway_id=gateway.pk, changes={"is_active": False}, at=demo)

    assert setup_of(client)["gateways"] == []


def test_a_journey_that_is_gone_shows_its_name(client: Client, demo: datetime) -> None:
    Gateway.objects.filter(slug="demo-at").update(service_codes={"*123#": "lottery"})

    (gateway,) = setup_of(client)["gateways"]
    assert gateway["serviceCodes"] == [{"code": "*123#", "journey": "lottery", "title": "lottery"}]


def test_codes_are_unused_ones_of_running_batches(client: Client, demo: datetime) -> None:
    newest = PromoCode.objects.order_by("-id").first()
    assert newest
    PromoCode.objects.filter(pk=newest.pk).update(status=CodeStatus.BLOCKED)

    shown = client.get("/simulator/codes/").json()["codes"]

    expected = [str(code) for code in PromoCode.objects.filter(status=CodeStatus.ACTIVE).order_by("-id")[:4]]
    assert [code["code"] for code in shown] == expected
    assert shown[0]["amount"] == "RWF 500"


def test_the_inbox_takes_a_number_in_any_form(client: Client, outside: SandboxProcess, settings: Any) -> None:
    settings.SANDBOX_URL = outside.url
    outside.reset()

    response = client.get("/simulator/inbox/", {"phone": "0788 123 456"})

    assert (response.status_code, response.json()) == (200, {"messages": []})


@pytest.mark.parametrize("phone", ["", "12", "hello", "+1" * 40])
def test_what_is_no_number_has_no_inbox(client: Client, phone: str) -> None:
    response = client.get("/simulator/inbox/", {"phone": phone})

    assert (response.status_code, response.json()["messages"]) == (400, [])


def test_without_the_sandbox_the_inbox_says_so(client: Client, settings: Any) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:1"

    response = client.get("/simulator/inbox/", {"phone": "+250788123456"})

    assert (response.status_code, response.json()["error"]) == (503, "The sandbox does not answer.")


@pytest.mark.parametrize("path", ["/simulator/", "/simulator/inbox/", "/simulator/codes/"])
def test_they_are_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
