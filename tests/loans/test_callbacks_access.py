"""Who may call the two callbacks, in both modes: tokens, scopes, limits (contract sections 2 and 3)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services.tokens import revoke_token
from tests.loans.conftest import ALICE
from tests.loans.partner import APPROVE, OFFER, Partner, written

pytestmark = pytest.mark.django_db
BODY = {"msisdn": ALICE, "sessionId": "sess-123", "selectedOption": "2"}
DOORS = [(OFFER, "loan-offer"), (APPROVE, "loan-approve")]


def assert_closed(response_text: object, response_json: object, kind: str) -> None:
    for response in (response_text, response_json):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("ApiToken")
    assert response_text.content.decode() == "END Service unavailable."
    body = response_json.json()
    assert (body["status"], body["type"], body["code"]) == ("error", kind, "UNAUTHORIZED")
    assert body["message"]


def both(partner: Partner, path: str) -> tuple[object, object]:
    return partner.post(path, BODY), partner.post(path, {**BODY, "responseType": "json"})


@pytest.mark.parametrize(("path", "kind"), DOORS)
def test_nothing_opens_without_a_token(alice: User, path: str, kind: str) -> None:
    client = Client()
    text = client.post(path, BODY, content_type="application/json")
    in_json = client.post(path + "?responseType=json", BODY, content_type="application/json")

    assert_closed(text, in_json, kind)
    assert written() == (0, 0, 0)


@pytest.mark.parametrize(("path", "kind"), DOORS)
def test_nothing_opens_with_a_wrong_token(alice: User, path: str, kind: str) -> None:
    partner = Partner()
    for wrong in ("nonsense", "0" * 96, partner.token[:-1]):
        partner.token = wrong
        assert_closed(*both(partner, path), kind)
    assert written() == (0, 0, 0)


@pytest.mark.parametrize(("path", "kind"), DOORS)
def test_nothing_opens_without_the_scope(alice: User, path: str, kind: str) -> None:
    """Text mode knows no status but 200, 401 and 429, so a missing scope is answered as a token that opens nothing."""
    partner = Partner("ussd", "monitor", "onboarding")

    text, in_json = both(partner, path)

    assert_closed(text, in_json, kind)
    assert in_json.json()["message"] == "This API token lacks the scope loans."
    assert written() == (0, 0, 0)


@pytest.mark.parametrize(("path", "kind"), DOORS)
def test_nothing_opens_with_an_expired_token(alice: User, path: str, kind: str) -> None:
    partner = Partner()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert_closed(*both(partner, path), kind)


def test_token_revoked_a_second_ago_opens_nothing(alice: User) -> None:
    partner = Partner()
    assert partner.offer()["status"] == "success"
    revoke_token(token_id=ApiToken.objects.get().pk, reason="contract ended", at=timezone.now())

    assert_closed(*both(partner, APPROVE), "loan-approve")
    assert written() == (0, 0, 0)


def test_token_is_taken_in_any_case_of_the_header(alice: User) -> None:
    partner = Partner()
    for name in ("X-API-TOKEN", "x-api-token", "X-Api-Token"):
        response = Client().post(OFFER, BODY, content_type="application/json", headers={name: partner.token})
        assert response.content.startswith(b"CON ")


def test_too_many_requests_are_asked_to_wait(alice: User) -> None:
    partner = Partner(rate_limit=2)
    partner.offer()
    partner.offer()

    text, in_json = both(partner, OFFER)

    assert (text.status_code, text.content.decode()) == (429, "END Service busy. Please try again.")
    assert in_json.status_code == 429
    assert in_json.json()["code"] == "RATE_LIMITED"
    assert in_json.json()["type"] == "loan-offer"
    assert all(1 <= int(response.headers["Retry-After"]) <= 60 for response in (text, in_json))


def test_get_is_not_how_it_is_called(alice: User) -> None:
    partner = Partner()
    response = partner.client.get(OFFER + "?responseType=json", headers={"x-api-token": partner.token})

    assert (response.status_code, response.json()["code"]) == (405, "INVALID_REQUEST")
    assert response.headers["Allow"] == "POST"
