"""The addresses for partners with a token: turns, monitoring, trying out, clearing."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services.tokens import create_token
from audit.models import AuditEvent
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments, PaymentSettings
from promos.models import PromoCode, Redemption
from tests.support.ports import closed_port
from tests.ussd.conftest import ALINE, MENU, PROMO
from tests.ussd.dialling import Handset
from tests.ussd.outages import move_redis
from ussd.models import Gateway
from ussd.selectors import forget_gateways
from ussd.services.gateways import change_gateway, create_gateway

pytestmark = pytest.mark.django_db(transaction=True)

TURN = {"sessionId": "sess-1", "phoneNumber": "250788123456", "text": "", "serviceCode": "*384"}
ADDRESSES = [
    ("post", "/api/v1/ussd/handle/"),
    ("post", "/api/ussd/handler"),
    ("get", "/api/v1/ussd/session/"),
    ("get", "/api/v1/ussd/status/"),
    ("post", "/api/ussd/test"),
    ("get", "/api/ussd/sessions"),
    ("post", "/api/ussd/sessions/clear"),
]


@pytest.fixture
def token() -> Callable[..., dict[str, str]]:
    """Headers of a partner: `token("ussd")`, `token("monitor", gateway="json")`."""

    def make(*scopes: str, **values: Any) -> dict[str, str]:
        email = f"{'-'.join(scopes)}{values.get('gateway', '')}@telco.example"
        _row, plain = create_token(partner_email=email, scopes=scopes, created_by=None, at=timezone.now(), **values)
        return {"x-api-token": plain}

    return make


def call(client: Client, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
    return getattr(client, method)(
        path,
        **({"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}),
        headers=headers,
    )


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize("slash", [True, False])
def test_nothing_opens_without_a_token(client: Client, method: str, path: str, slash: bool) -> None:
    response = call(client, method, path.rstrip("/") + "/" * slash, body=TURN if method == "post" else None)

    assert response.status_code == 401
    assert response.json()["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_nothing_opens_with_another_scope(client: Client, token: Callable, method: str, path: str) -> None:
    scopes = ("monitor", "loans") if "handle" in path else ("ussd", "loans")

    response = call(client, method, path, body=TURN if method == "post" else None, headers=token(*scopes))

    assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN")


def test_spec_3s_address_speaks_its_json_for_any_gateway(
    client: Client, token: Callable, africas_talking: Gateway, aline: User
) -> None:
    for path in ("/api/ussd/handler", "/api/ussd/handler/"):
        headers = token("ussd", gateway="" if path[-1] == "r" else "africastalking")
        response = call(client, "post", path, TURN, headers)
        assert response.status_code == 200
        assert response.json()["responseType"] == "input"


def test_spec_3s_address_finds_the_gateway_by_the_service_code(
    client: Client, token: Callable, last_input: Gateway, africas_talking: Gateway, aline: User, now: Any
) -> None:
    free = token("ussd")
    change_gateway(gateway_id=africas_talking.pk, changes={"service_codes": {"*555#": "promo"}}, at=now)

    for code, words in (("*384", "Starhash\n1 "), ("*555#", "Welcome to Starhash."), ("", "Starhash\n1 ")):
        turn = TURN | {"serviceCode": code, "sessionId": f"sess{code}"}
        assert call(client, "post", "/api/ussd/handler", turn, free).json()["message"].startswith(words)
    response = call(client, "post", "/api/ussd/handler", TURN | {"serviceCode": "*999#"}, free)
    assert response.json() == {"responseType": "notification", "message": "This service code is not in use."}
    response = call(client, "post", "/api/ussd/handler?gateway=lastinput", "not an object", free)
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_REQUEST")


def test_token_speaks_for_its_own_gateway_only(
    client: Client, token: Callable, middle_server: Gateway, africas_talking: Gateway, aline: User
) -> None:
    own = token("ussd", gateway="json")

    assert call(client, "post", "/api/v1/ussd/handle/", TURN, own).json()["action"] == "continue"
    response = call(client, "post", "/api/v1/ussd/handle/?gateway=africastalking", TURN, own)
    assert (response.status_code, response.content) == (403, b"END Service unavailable.")


def test_token_without_gateway_names_one(
    client: Client, token: Callable, middle_server: Gateway, africas_talking: Gateway, aline: User
) -> None:
    free = token("ussd")

    response = call(client, "post", "/api/v1/ussd/handle/?gateway=nobody", TURN, free)
    assert (response.status_code, response.json()["code"]) == (404, "UNKNOWN_GATEWAY")
    response = call(client, "post", "/api/v1/ussd/handle/?gateway=json", TURN, free)
    assert (response.status_code, response.json()["action"]) == (200, "continue")


def test_wire_format_tells_the_gateway_when_one_alone_speaks_it(
    client: Client, token: Callable, middle_server: Gateway, africas_talking: Gateway, aline: User, now: Any
) -> None:
    free = token("ussd")
    path = "/api/v1/ussd/handle/"

    assert call(client, "post", path, TURN, free).json()["action"] == "continue"
    form = urlencode(
        {"sessionId": "s1", "phoneNumber": aline.phone, "serviceCode": PROMO, "networkCode": "", "text": ""}
    )
    response = client.post(path, form, content_type="application/x-www-form-urlencoded", headers=free)
    assert (response.status_code, response.content[:4]) == (200, b"CON ")
    create_gateway(slug="second", name="Second", kind="json", service_codes={"*123#": "promo"}, at=now)
    forget_gateways()
    response = call(client, "post", path, TURN, free)
    assert (response.status_code, response.json()["code"]) == (400, "GATEWAY_NOT_NAMED")


def test_text_gateway_gets_text_when_turned_away(
    client: Client, token: Callable, africas_talking: Gateway, aline: User
) -> None:
    path = "/api/v1/ussd/handle/?gateway=africastalking"

    response = client.post(path, "x=1", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.content) == (401, b"END Service unavailable.")
    assert response.headers["WWW-Authenticate"]
    busy = token("ussd", rate_limit=1)
    client.post(path, "x=1", content_type="application/x-www-form-urlencoded", headers=busy)
    response = client.post(path, "x=1", content_type="application/x-www-form-urlencoded", headers=busy)
    assert (response.status_code, response.content) == (429, b"END Service busy. Please try again.")
    assert int(response.headers["Retry-After"]) > 0


def test_session_is_shown_masked(client: Client, token: Callable, handset: Callable[..., Handset], aline: User) -> None:
    phone = handset(service_code=MENU)
    phone.dial()
    phone.type("1")
    monitor = token("monitor")

    shown = call(client, "get", f"/api/v1/ussd/session/?sessionId={phone.session_id}", headers=monitor).json()
    assert shown["phoneNumber"] == "+250…456"
    assert (shown["state"], shown["journey"], shown["ended"]) == ("PROMO_CODE", "menu", False)
    assert ALINE not in json.dumps(shown)
    missing = call(client, "get", "/api/v1/ussd/session/?sessionId=nobody", headers=monitor)
    assert (missing.status_code, missing.json()["code"]) == (404, "SESSION_NOT_FOUND")
    unasked = call(client, "get", "/api/v1/ussd/session/", headers=monitor)
    assert unasked.status_code == 400


def test_sessions_are_counted_while_they_wait_for_input(
    client: Client, token: Callable, handset: Callable[..., Handset], aline: User, codes: list[PromoCode]
) -> None:
    waiting, done = handset(), handset(phone="+250788654321")
    waiting.dial()
    done.dial()
    done.type("1")
    done.type(str(codes[0]))

    found = call(client, "get", "/api/ussd/sessions", headers=token("monitor")).json()
    assert found["activeSessions"] == 1
    assert [session["sessionId"] for session in found["sessions"]] == [waiting.session_id]
    assert found["sessions"][0]["idleTime"] >= 0


def test_status_and_health_say_how_it_is(
    client: Client, token: Callable, handset: Callable[..., Handset], aline: User, settings: Any
) -> None:
    handset().dial()
    monitor = token("monitor")

    status = call(client, "get", "/api/v1/ussd/status", headers=monitor).json()
    assert (status["status"], status["activeSessions"], status["turnsWaitingForLog"]) == ("ok", 1, 1)
    assert status["journeys"] == ["credit", "menu", "promo"]
    assert client.get("/api/ussd/health").json()["activeSessions"] == 1
    move_redis(settings, closed_port())
    status = call(client, "get", "/api/v1/ussd/status", headers=monitor).json()
    assert (status["status"], status["sessionStore"]) == ("degraded", "unreachable")
    health = client.get("/api/ussd/health/")
    assert (health.status_code, health.json()["activeSessions"]) == (200, None)
    assert call(client, "get", "/api/ussd/sessions", headers=monitor).status_code == 503


def test_trying_out_tells_the_state(
    client: Client, token: Callable, last_input: Gateway, aline: User, codes: list[PromoCode]
) -> None:
    monitor = token("monitor")
    body = {"sessionId": "test-1", "phoneNumber": "250788123456", "serviceCode": "*384", "text": "1"}

    response = call(client, "post", "/api/ussd/test", body, monitor)
    assert response.json() == {
        "sessionId": "test-1",
        "phoneNumber": "250788123456",
        "state": "PROMO_CODE",
        "message": "Welcome to Starhash.\nEnter your promo code:\n0 Back",
        "continueSession": True,
    }
    response = call(client, "post", "/api/ussd/test", body | {"text": str(codes[0])}, monitor)
    assert (response.json()["state"], response.json()["continueSession"]) == ("PROMO_REDEEMED", False)
    response = call(client, "post", "/api/ussd/test", {"sessionId": ""}, monitor)
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("account", [PaymentSettings, NigeriaPayments])
def test_trying_out_is_refused_where_money_is_real(
    client: Client,
    token: Callable,
    last_input: Gateway,
    aline: User,
    codes: list[PromoCode],
    settings: Any,
    account: type,
) -> None:
    monitor = token("monitor")
    body = TURN | {"serviceCode": PROMO, "text": str(codes[0])}

    settings.SANDBOX = False
    response = call(client, "post", "/api/ussd/test", body, monitor)
    assert (response.status_code, response.json()["code"]) == (403, "SANDBOX_ONLY")
    settings.SANDBOX = True
    change_category(
        account,
        changes={"momo_base_url": "https://proxy.momoapi.mtn.com"},
        changed_by=None,
        reason="Real provider in a sandbox",
        at=timezone.now(),
    )
    assert call(client, "post", "/api/ussd/test", body, monitor).status_code == 403
    assert Redemption.objects.count() == 0


def test_clearing_needs_a_person_who_may(
    client: Client, token: Callable, handset: Callable[..., Handset], aline: User, admin_user: User
) -> None:
    phone = handset()
    phone.dial()
    monitor = token("monitor")
    clerk = User.objects.create_user(email="clerk@starhash.example", password="x" * 12)

    assert call(client, "post", "/api/ussd/sessions/clear", {}, monitor).status_code == 403
    client.force_login(clerk)
    assert call(client, "post", "/api/ussd/sessions/clear", {}, monitor).status_code == 403
    client.force_login(admin_user)
    assert call(client, "post", "/api/ussd/sessions/clear", {}).status_code == 401
    response = call(client, "post", "/api/ussd/sessions/clear", {}, monitor)
    assert response.json() == {"message": "All sessions cleared", "cleared": 1}
    event = AuditEvent.objects.get(action="ussd.sessions.cleared")
    assert (event.actor_id, event.after) == (str(admin_user.pk), {"sessions": 1})
    assert client.get("/api/ussd/health").json()["activeSessions"] == 0


@pytest.fixture
def admin_user() -> User:
    return User.objects.create_superuser(email="boss@starhash.example", password="x" * 12)
