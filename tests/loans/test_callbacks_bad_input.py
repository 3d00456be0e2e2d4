"""Whatever a body holds: its code, nothing written, never a 500 and never anything of somebody else's."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from accounts.models import User
from tests.loans.conftest import ALICE, BOB
from tests.loans.partner import APPROVE, OFFER, Partner, written

pytestmark = pytest.mark.django_db
GOOD = {"msisdn": ALICE, "sessionId": "sess-123", "selectedOption": "2"}

BODIES = {
    "empty": b"",
    "no JSON": b"msisdn=1",
    "an array": b'[{"msisdn": "+2348031234567"}]',
    "a text": b'"+2348031234567"',
    "null": b"null",
    "a number": b"7",
    "half": b'{"msisdn": "+23480',
    "no UTF-8": b'{"msisdn": "\xff\xfe\x00"}',
    "deep": b"[" * 100_000,
    "a huge number": b'{"msisdn": ' + b"9" * 6_000 + b"}",
    "too large": b'{"msisdn": "+2348031234567", "text": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}',
}


@pytest.fixture
def partner() -> Partner:
    return Partner()


def assert_invalid(partner: Partner, path: str, body: Any, **how: Any) -> None:
    text = partner.post(path, body, **how)
    assert (text.status_code, text.content.decode()) == (200, "END Invalid request.")
    in_json = partner.post(path + "?responseType=json", body, **how)
    assert in_json.status_code == 400
    found = in_json.json()
    assert (found["status"], found["type"], found["code"]) == ("error", path.rsplit("/", 1)[1], "INVALID_REQUEST")


@pytest.mark.parametrize("path", [OFFER, APPROVE])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_is_no_json_object_is_an_invalid_request(partner: Partner, alice: User, path: str, body: bytes) -> None:
    assert_invalid(partner, path, body)
    assert written() == (0, 0, 0)


@pytest.mark.parametrize("path", [OFFER, APPROVE])
def test_other_content_types_are_an_invalid_request(partner: Partner, alice: User, path: str) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        assert_invalid(partner, path, json.dumps(GOOD), content_type=kind)
    assert_invalid(partner, path, urlencode([("a", "1")] * 3_000), content_type="application/x-www-form-urlencoded")


BAD_MSISDN: list[Any] = ["", "  ", None, "12", "abc", "+1", "0" * 41, "+44 20 7946 0958", "０８０３１２３４５６７"]
BAD_MSISDN += ["0803-CALL-NOW", {"a": 1}, ["+2348031234567"], True, 1.5, -2348031234567]
BAD_MSISDN += ["+234803123\x004567", "+2348031234567\ud800"]


@pytest.mark.parametrize("path", [OFFER, APPROVE])
def test_msisdn_must_be_a_mobile_number(partner: Partner, alice: User, path: str) -> None:
    for msisdn in BAD_MSISDN:
        assert_invalid(partner, path, {**GOOD, "msisdn": msisdn})
    assert_invalid(partner, path, {name: value for name, value in GOOD.items() if name != "msisdn"})
    assert written() == (0, 0, 0)


def test_foreign_number_is_an_invalid_request(partner: Partner, alice: User, settings: Any) -> None:
    """Outside the sandbox, whose simulators have foreign numbers."""
    settings.SANDBOX = False

    assert_invalid(partner, OFFER, {**GOOD, "msisdn": "+250788123456"})


NESTED: list[Any] = [{"a": 1}, ["x"], [], {}]


@pytest.mark.parametrize(
    "field", ["sessionId", "network", "channel", "selectedOption", "selectedAmount", "text", "serviceCode"]
)
def test_nested_values_and_letters_that_are_none_are_invalid(partner: Partner, alice: User, field: str) -> None:
    for value in (*NESTED, "a\x00b", "a\ud800"):
        assert_invalid(partner, APPROVE, {**GOOD, field: value})
    assert written() == (0, 0, 0)


def test_mode_that_is_no_text_is_an_invalid_request_in_text(partner: Partner, alice: User) -> None:
    for mode in ({"a": 1}, ["json"], "js\x00on"):
        response = partner.post(OFFER, {**GOOD, "responseType": mode})
        assert (response.status_code, response.content.decode()) == (200, "END Invalid request.")


def test_approve_needs_session_and_selection(partner: Partner, alice: User) -> None:
    partner.offer()
    for missing in ({"sessionId": ""}, {"sessionId": None}, {"sessionId": " \n"}, {"selectedOption": ""}):
        assert_invalid(partner, APPROVE, {**GOOD, **missing})
    assert_invalid(partner, APPROVE, {"msisdn": ALICE, "sessionId": "s"})
    assert_invalid(partner, APPROVE, {**GOOD, "sessionId": "x" * 129})
    assert_invalid(partner, OFFER, {"msisdn": ALICE, "sessionId": "x" * 129})
    assert written() == (0, 0, 0)


def test_longest_names_are_kept(partner: Partner, alice: User) -> None:
    session_id = "é" * 128

    assert partner.offer(sessionId=session_id)["sessionId"] == session_id
    assert partner.approve(sessionId=session_id, network="n" * 200)["sessionId"] == session_id


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
NAMES = ["msisdn", "sessionId", "network", "responseType", "selectedOption", "selectedAmount", "text"]


@profile(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(st.sampled_from(NAMES), values, max_size=7),
    msisdn=st.sampled_from([None, ALICE]),
    path=st.sampled_from([OFFER, APPROVE]),
)
def test_no_body_makes_a_500_or_tells_of_others(
    partner: Partner, alice: User, bob: User, fields: dict[str, Any], msisdn: str | None, path: str
) -> None:
    body = {**fields, "msisdn": msisdn} if msisdn else fields

    response = partner.post(path, body)

    assert response.status_code in {200, 400, 404, 409, 422}
    assert str(bob.pk) not in response.content.decode()
    assert BOB not in response.content.decode()
    assert b"Traceback" not in response.content
