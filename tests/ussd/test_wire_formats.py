"""What each gateway sends and gets, to the letter; and what is not a turn."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import User
from promos.models import CodeAttempt, PromoCode, Redemption
from tests.ussd.conftest import MENU, PROMO
from tests.ussd.dialling import address_of
from ussd.models import Gateway
from ussd.services.gateways import change_gateway, rotate_secret

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"
PROMPT = "Welcome to Starhash.\nEnter your promo code:"


@pytest.fixture
def at_form() -> dict[str, str]:
    return {
        "sessionId": "ATUid_0123456789abcdef0123456789abcdef",
        "phoneNumber": "+250788123456",
        "networkCode": "63510",
        "serviceCode": PROMO,
        "text": "",
    }


def post_form(client: Client, gateway: Gateway, form: dict[str, str] | str) -> Any:
    body = form if isinstance(form, str) else urlencode(form)
    return client.post(address_of(gateway), body, content_type=FORM)


def post_json(client: Client, gateway: Gateway, body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(address_of(gateway), text, content_type="application/json")


def test_africas_talking_gets_plain_text(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str]
) -> None:
    response = post_form(client, africas_talking, at_form)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode() == f"CON {PROMPT}"


def test_address_works_without_its_slash(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str]
) -> None:
    response = client.post(address_of(africas_talking).rstrip("/"), at_form)
    # Django's test client sends multipart here, which Africa's Talking never does.
    assert (response.status_code, response.content) == (200, b"END Invalid request.")

    response = client.post(
        address_of(africas_talking).rstrip("/"),
        "sessionId=a&phoneNumber=%2B250788123456&serviceCode=%2A384%2A1234%23&text=",
        content_type=FORM,
    )
    assert response.content.decode() == f"CON {PROMPT}"


def test_plus_that_became_a_space_is_repaired(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str]
) -> None:
    response = post_form(client, africas_talking, at_form | {"phoneNumber": " 250788123456"})

    assert response.content.decode() == f"CON {PROMPT}"
    assert User.objects.filter(phone__isnull=False).count() == 1


def test_empty_answer_shows_the_screen_again(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str]
) -> None:
    post_form(client, africas_talking, at_form)

    for text in ("*", "**", "* *"):
        assert post_form(client, africas_talking, at_form | {"text": text}).content.decode() == f"CON {PROMPT}"


@pytest.mark.parametrize("typed", ["1", "1#", " 1 ", "\uff11", "1 #"])
def test_choice_is_understood_as_people_type_it(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str], typed: str
) -> None:
    response = post_form(client, africas_talking, at_form | {"serviceCode": MENU, "text": typed})

    assert response.content.decode() == f"CON {PROMPT}\n0 Back"


@pytest.mark.parametrize(
    "change",
    [
        {"sessionId": ""},
        {"sessionId": "x" * 129},
        {"phoneNumber": ""},
        {"phoneNumber": "254711XXXYYY"},
        {"phoneNumber": "+25078812345"},
        {"phoneNumber": "'; DROP TABLE accounts_user; --"},
        {"text": "1*" * 2000},
        {"serviceCode": "*" + "1" * 300 + "#"},
    ],
)
def test_what_is_not_a_turn_changes_nothing(
    client: Client, africas_talking: Gateway, at_form: dict[str, str], change: dict[str, str]
) -> None:
    response = post_form(client, africas_talking, at_form | change)

    assert (response.status_code, response.content) == (200, b"END Invalid request.")
    assert User.objects.filter(phone__isnull=False).count() == 0


def test_unknown_service_code_says_so(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str]
) -> None:
    with capture_logs() as logs:
        response = post_form(client, africas_talking, at_form | {"serviceCode": "*999*ABCDEF26GH11JK20#"})

    assert response.content == b"END This service code is not in use."
    assert [entry["service_code"] for entry in logs if entry["event"] == "ussd_unknown_service_code"] == ["*999*****#"]


def test_code_dialled_with_the_service_code_is_redeemed(
    client: Client, africas_talking: Gateway, aline: User, codes: list[PromoCode], at_form: dict[str, str]
) -> None:
    dialled = f"*384*1234*{codes[0].code}#"

    response = post_form(client, africas_talking, at_form | {"serviceCode": dialled})
    assert response.content.startswith(b"END Code accepted. RWF 5,000 ")
    # A gateway that puts what was dialled into the text as well.
    response = post_form(client, africas_talking, at_form | {"serviceCode": dialled, "text": codes[0].code})
    assert response.content.startswith(b"END Code accepted. RWF 5,000 ")
    assert Redemption.objects.count() == 1


def test_first_text_that_is_not_empty_is_a_direct_dial(
    client: Client, africas_talking: Gateway, codes: list[PromoCode], at_form: dict[str, str]
) -> None:
    # A newcomer with a code in hand is not asked for the language first.
    response = post_form(client, africas_talking, at_form | {"text": str(codes[0])})

    assert response.content.startswith(b"END Code accepted. RWF 5,000 ")


def test_newcomers_direct_dial_is_not_taken_for_a_language(
    client: Client, africas_talking: Gateway, at_form: dict[str, str]
) -> None:
    response = post_form(client, africas_talking, at_form | {"serviceCode": "*384*1#"})

    assert response.content.decode() == f"CON {PROMPT}\n0 Back"


def test_direct_dial_goes_through_the_menu(
    client: Client, africas_talking: Gateway, aline: User, codes: list[PromoCode], at_form: dict[str, str]
) -> None:
    response = post_form(client, africas_talking, at_form | {"serviceCode": f"*384*1*{codes[0].code}#"})

    assert response.content.startswith(b"END Code accepted. RWF 5,000 ")


@pytest.mark.parametrize("content_type", ["application/json", "text/xml", "multipart/form-data; boundary=x"])
def test_wrong_content_type_is_refused(
    client: Client, africas_talking: Gateway, at_form: dict[str, str], content_type: str
) -> None:
    response = client.post(address_of(africas_talking), "sessionId=a", content_type=content_type)

    assert (response.status_code, response.content) == (200, b"END Invalid request.")


def test_body_that_is_too_large_is_refused(client: Client, africas_talking: Gateway) -> None:
    response = post_form(client, africas_talking, "text=" + "1" * 2_000_000)

    assert (response.status_code, response.content) == (200, b"END Invalid request.")


def test_get_is_not_a_turn(client: Client, africas_talking: Gateway) -> None:
    assert client.get(address_of(africas_talking)).status_code == 405


@pytest.mark.parametrize("path", ["africastalking/wrong", "nobody/wrong", "africastalking/", "..%2F/x"])
def test_forged_address_opens_nothing(
    client: Client, africas_talking: Gateway, at_form: dict[str, str], path: str
) -> None:
    response = client.post(f"/api/v1/ussd/handle/{path}/", "sessionId=a", content_type=FORM)

    assert response.status_code in {401, 404}
    assert User.objects.filter(phone__isnull=False).count() == 0
    assert CodeAttempt.objects.count() == 0


def test_wrong_secret_and_unknown_gateway_look_the_same(client: Client, africas_talking: Gateway) -> None:
    answers = [
        client.post(f"/api/v1/ussd/handle/{slug}/{'x' * 43}/", "sessionId=a", content_type=FORM)
        for slug in ("africastalking", "nobody")
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(401, b"END Service unavailable.")] * 2


def test_old_secret_and_switched_off_gateway_open_nothing(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str], now: Any
) -> None:
    old = address_of(africas_talking)
    rotate_secret(gateway_id=africas_talking.pk, at=now)
    africas_talking.refresh_from_db()

    assert client.post(old, "sessionId=a", content_type=FORM).status_code == 401
    assert post_form(client, africas_talking, at_form).status_code == 200
    change_gateway(gateway_id=africas_talking.pk, changes={"is_active": False}, at=now)
    assert post_form(client, africas_talking, at_form).status_code == 401


def test_only_listed_addresses_may_call(
    client: Client, africas_talking: Gateway, aline: User, at_form: dict[str, str], now: Any
) -> None:
    change_gateway(gateway_id=africas_talking.pk, changes={"allowed_ips": ["10.1.0.0/16", "192.0.2.7"]}, at=now)

    assert post_form(client, africas_talking, at_form).status_code == 401
    change_gateway(gateway_id=africas_talking.pk, changes={"allowed_ips": ["127.0.0.1"]}, at=now)
    assert post_form(client, africas_talking, at_form).status_code == 200


def test_last_input_gets_spec_3s_body(client: Client, last_input: Gateway, aline: User) -> None:
    body = {"sessionId": "sess-123", "phoneNumber": "250788123456", "text": "", "serviceCode": "*384"}

    response = post_json(client, last_input, body)
    assert response.json() == {
        "responseType": "input",
        "message": "Starhash\n1 Redeem a code\n2 My last payment\n3 Loans\n4 Language\n5 Help\n0 Exit",
    }
    response = post_json(client, last_input, body | {"text": 0})
    assert response.json() == {"responseType": "notification", "message": "Thank you for using Starhash."}


def test_middle_server_gets_its_body(client: Client, middle_server: Gateway, aline: User) -> None:
    body = {"sessionId": "a", "phoneNumber": "0788123456", "serviceCode": MENU, "turn": 1, "network": "63510"}

    response = post_json(client, middle_server, body)
    assert response.json()["action"] == "continue"
    response = post_json(client, middle_server, body | {"history": ["1", "x"]})
    assert response.json()["message"].startswith("This is not a code.")
    response = post_json(client, middle_server, body | {"history": "1*x*0"})
    assert response.json()["message"].startswith("Starhash\n1 Redeem a code")
    response = post_json(client, middle_server, body | {"turn": 2, "input": "0"})
    assert response.json()["sessionId"] == "a"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "The body is not JSON."),
        ("[]", "The body is not a JSON object."),
        ("[" * 100_000, "The body is not JSON."),
        ({}, "sessionId is missing."),
        ({"sessionId": ["a"]}, "sessionId must be text."),
        ({"sessionId": True}, "sessionId must be text."),
        ({"sessionId": "a", "phoneNumber": "123"}, "phoneNumber is not a valid mobile number."),
        ({"sessionId": "a", "phoneNumber": "0788123456", "turn": 0}, "turn must be a number from 1 to 1000."),
        ({"sessionId": "a", "phoneNumber": "0788123456", "turn": "1"}, "turn must be a number from 1 to 1000."),
        (
            {"sessionId": "a", "phoneNumber": "0788123456", "history": [1]},
            "history must be a list of texts, or one text joined with *.",
        ),
        (
            {"sessionId": "a", "phoneNumber": "0788123456", "input": "x" * 2001},
            "input is longer than 2000 characters.",
        ),
    ],
)
def test_bad_json_is_told_what_is_wrong(client: Client, middle_server: Gateway, body: Any, message: str) -> None:
    response = post_json(client, middle_server, body)

    assert response.status_code == 400
    assert response.json() == {"action": "end", "code": "INVALID_REQUEST", "message": message}
    assert User.objects.filter(phone__isnull=False).count() == 0


def test_json_sent_as_a_form_is_refused(client: Client, last_input: Gateway) -> None:
    response = client.post(address_of(last_input), "sessionId=a", content_type=FORM)

    assert response.status_code == 400
    assert response.json() == {
        "responseType": "notification",
        "code": "INVALID_REQUEST",
        "message": "Send the body as application/json.",
    }


def test_forged_json_gets_json(client: Client, last_input: Gateway) -> None:
    response = client.post(f"/api/v1/ussd/handle/{last_input.slug}/wrong/", "{}", content_type="application/json")

    assert response.status_code == 401
    assert response.json() == {"code": "UNAUTHORIZED", "message": "Service unavailable."}
