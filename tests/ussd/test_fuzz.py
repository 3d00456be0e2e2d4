"""Whatever a gateway sends, the subscriber gets words: 200 with `CON ` or `END `, in the alphabet, within a screen."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from configuration.services import change_category
from notifications.gsm7 import is_gsm7, septets
from promos.models import Redemption
from tests.ussd.conftest import ALINE, MENU, PROMO
from tests.ussd.dialling import address_of
from ussd.configuration import UssdSettings
from ussd.models import Gateway, TurnRecord
from ussd.services.records import store_waiting

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
typed = st.one_of(
    st.sampled_from(["", "0", "00", "98", "1", "2", "3", "5", "*", "1*", "#", "\U0001f600", "ABCD-EF26-GH11-JK20"]),
    st.text(max_size=60),
)


@pytest.fixture
def post(client: Client, africas_talking: Gateway, aline: User, now: Any) -> Any:
    """Sends a body and checks whatever comes back. Nobody is told to slow down."""
    change_category(UssdSettings, changes={"turns_per_minute": 10_000}, changed_by=None, reason="Fuzz", at=now)
    address = address_of(africas_talking)

    def send(body: bytes | str, content_type: str = FORM) -> str:
        response = client.post(address, body, content_type=content_type)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        text = response.content.decode()
        assert text.startswith(("CON ", "END "))
        assert is_gsm7(text), text
        assert septets(text) <= 160, text
        assert len(text) > 4
        return text

    return send


@quick
@given(body=st.binary(max_size=300), content_type=st.sampled_from([FORM, "", "text/plain", "application/json"]))
def test_any_bytes(post: Any, body: bytes, content_type: str) -> None:
    assert post(body, content_type) == "END Invalid request."


@quick
@given(
    fields=st.fixed_dictionaries(
        {
            "sessionId": st.one_of(st.just("ATUid_1"), st.text(max_size=200)),
            "phoneNumber": st.one_of(st.just(ALINE), st.just(" 250788123456"), st.text(max_size=30)),
            "networkCode": st.text(max_size=30),
            "serviceCode": st.one_of(st.sampled_from([PROMO, MENU, "*384*1234*1*1#"]), st.text(max_size=30)),
            "text": st.one_of(st.lists(typed, max_size=8).map("*".join), st.text(max_size=2500)),
        }
    )
)
def test_any_fields(post: Any, fields: dict[str, str]) -> None:
    post(urlencode(fields, errors="surrogatepass"))


@quick
@given(inputs=st.lists(typed, max_size=8), menu=st.booleans(), session=st.integers(0, 3))
def test_any_dialogue(post: Any, inputs: list[str], menu: bool, session: int) -> None:
    for count in range(len(inputs) + 1):
        fields = {
            "sessionId": f"ATUid_{session}",
            "phoneNumber": ALINE,
            "networkCode": "63510",
            "serviceCode": MENU if menu else PROMO,
            "text": "*".join(inputs[:count]),
        }
        text = post(urlencode(fields, errors="surrogatepass"))
        assert not text.startswith("END Service busy")
        assert not text.startswith("END Something went wrong"), text


def test_everything_fuzzed_could_be_stored(post: Any, now: Any) -> None:
    for text in ("\x00", "\ud800", "\u2028", "\U0001f600" * 40, "1*\x00*\x7f", "e\u0301" * 80):
        fields = {"sessionId": "s\x00s", "phoneNumber": ALINE, "serviceCode": MENU, "networkCode": "\x00", "text": text}
        post(urlencode(fields, errors="surrogatepass"))

    store_waiting(at=now)
    assert TurnRecord.objects.count() == 6
    assert Redemption.objects.count() == 0
