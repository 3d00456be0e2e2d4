"""Which journey a dial opens, and what it carries."""

import pytest

from ussd.service_codes import InvalidServiceCode, Route, find_route, mask_dialled, normalise_service_code

CODES = {"*384#": "menu", "*384*1234#": "promo", "*383#": "peer"}


@pytest.mark.parametrize(
    ("dialled", "route"),
    [
        ("*384#", Route("*384#", "menu")),
        ("*384", Route("*384#", "menu")),
        ("384", Route("*384#", "menu")),
        (" *384# ", Route("*384#", "menu")),
        ("*384*1234#", Route("*384*1234#", "promo")),
        ("*384*1234*CODE#", Route("*384*1234#", "promo", ("CODE",))),
        ("*384*1234*AB*CD#", Route("*384*1234#", "promo", ("AB", "CD"))),
        ("*384*1*2#", Route("*384#", "menu", ("1", "2"))),
        ("*384*12345#", Route("*384#", "menu", ("12345",))),
        ("*999#", None),
        ("*38#", None),
        ("", Route("*384#", "menu")),
        ("#", Route("*384#", "menu")),
        ("***", None),
    ],
)
def test_longest_configured_code_wins(dialled: str, route: Route | None) -> None:
    assert find_route(CODES, dialled) == route


def test_without_a_code_only_one_journey_can_be_meant() -> None:
    assert find_route({"*383#": "peer"}, "") == Route("*383#", "peer")
    assert find_route({"*383#": "peer", "*385#": "promo"}, "") is None


@pytest.mark.parametrize(
    ("dialled", "shown"),
    [
        ("*999#", "*999#"),
        ("*384*9999", "*384*9999#"),
        ("*999*ABCDEF26GH11JK20#", "*999*****#"),
        ("*999*2345234523452345#", "*999*****#"),
        ("*999*1234*2345-2345-2345-2345#", "*999*1234*****#"),
        ("*999*2345*2345*2345*2345#", "*999*2345*****#"),
        ("CODE", "*****#"),
    ],
)
def test_log_shows_how_a_dial_began_and_no_code(dialled: str, shown: str) -> None:
    assert mask_dialled(dialled) == shown


@pytest.mark.parametrize(("raw", "normal"), [("*384#", "*384#"), (" *384*1234 ", "*384*1234#")])
def test_codes_are_stored_in_one_form(raw: str, normal: str) -> None:
    assert normalise_service_code(raw) == normal


@pytest.mark.parametrize("raw", ["", "384#", "*#", "*384*#", "*384**1#", "*38a#", "*384##", "*\u0663\u0668\u0664#"])
def test_what_is_no_code_is_refused(raw: str) -> None:
    with pytest.raises(InvalidServiceCode):
        normalise_service_code(raw)
