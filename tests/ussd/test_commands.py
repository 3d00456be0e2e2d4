"""`manage.py dial` and `manage.py ussd_graph`."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from promos.models import PromoCode, Redemption
from tests.ussd.conftest import ALINE, MENU, PROMO
from ussd.graph import all_screens
from ussd.models import Gateway


def run(*args: str, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_scripted_dial_redeems_a_code(gateway: Gateway, aline: User, codes: list[PromoCode]) -> None:
    out = run("dial", PROMO, ALINE, inputs=["HELLO", str(codes[0]), "never typed"], in_process=True)

    assert [line for line in out.splitlines() if not line.startswith("---")] == [
        "Welcome to Starhash.",
        "Enter your promo code:",
        "This is not a code. A code has 16 letters and digits, like ABCD-EF26-GH11-JK20. Enter it again:",
        "Code accepted. RWF 5,000 is being sent to +250788123456. You will get an SMS.",
    ]
    assert out.rstrip().endswith("(ended)")
    assert Redemption.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_dial_speaks_http_to_a_running_web_process(
    live_server: LiveServer, africas_talking: Gateway, aline: User, codes: list[PromoCode]
) -> None:
    out = run("dial", PROMO, ALINE, inputs=[str(codes[0])], url=live_server.url)

    assert "Code accepted. RWF 5,000" in out
    assert Redemption.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_dial_by_hand_ends_when_the_customer_hangs_up(
    africas_talking: Gateway, aline: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["5"])

    def answer(_prompt: str) -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)

    out = run("dial", MENU, ALINE, in_process=True)
    assert "Enter a code: its money" in out
    assert out.rstrip().endswith("(hung up)")


@pytest.mark.django_db(transaction=True)
def test_dial_says_which_gateways_there_are(africas_talking: Gateway) -> None:
    with pytest.raises(CommandError, match=r"No active gateway has \*999#. There are: africastalking with \*384"):
        run("dial", "*999#", ALINE, in_process=True)
    with pytest.raises(CommandError, match="No active gateway nobody"):
        run("dial", PROMO, ALINE, gateway="nobody", in_process=True)
    with pytest.raises(CommandError, match=r"No web process answers at http://127.0.0.1:1\."):
        run("dial", PROMO, ALINE, url="http://127.0.0.1:1", inputs=[])


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_graph_shows_every_screen(form: str) -> None:
    drawn = run("ussd_graph", format=form)

    assert [screen.name for screen in all_screens() if screen.name not in drawn] == []
    assert {"text": "typed: REDEEMED -> promo.redeemed", "mermaid": "flowchart LR", "dot": "digraph ussd {"}[
        form
    ] in drawn
