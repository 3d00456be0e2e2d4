"""Screens longer than a phone shows: pages, `98 More`, `0 Back`, `00 Home`."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from notifications.gsm7 import septets
from tests.ussd.dialling import Handset
from ussd import registry
from ussd.paging import split_pages
from ussd.screens import Choice, Journey, Screen, go
from ussd.services.gateways import change_gateway
from ussd.texts import WORDS
from ussd.texts.fields import SCREEN_SEPTETS


def _footer(page: int, more: bool) -> list[str]:
    return (["98 More"] if more else []) + (["0 Back"] if page else [])


@given(st.lists(st.text(alphabet="abc W\u20ac{", max_size=400).map(str.strip), max_size=30))
def test_pages_fit_and_lose_nothing(lines: list[str]) -> None:
    pages = split_pages(lines, footer=_footer)

    assert all(septets(page) <= SCREEN_SEPTETS for page in pages)
    shown = "".join(page.removesuffix("\n0 Back").removesuffix("\n98 More") for page in pages)
    assert _letters(shown) == _letters("".join(lines))


def _letters(text: str) -> str:
    return "".join(text.split()).replace("98More", "").replace("0Back", "")


def test_short_screen_is_one_page_without_keys() -> None:
    assert split_pages(["Hello", "1 Yes"], footer=_footer) == ["Hello\n1 Yes"]


def test_lines_stay_whole() -> None:
    lines = [f"{number} {'x' * 40}" for number in range(1, 8)]

    pages = split_pages(lines, footer=_footer)

    assert [line for page in pages for line in page.split("\n") if "x" in line] == lines
    assert pages[0].endswith("\n98 More")
    assert pages[1].endswith("\n98 More\n0 Back")
    assert pages[-1].endswith("\n0 Back")


@pytest.fixture
def long_menu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A journey with twelve long choices, each leading to a page of its own."""
    words = WORDS["en"] | {f"long.{n}": f"Choice number {n} of the long list" for n in range(1, 13)}
    words |= {"long.title": "A long list", "long.detail": "Details"}
    monkeypatch.setitem(WORDS, "en", words)
    monkeypatch.setattr(registry, "_journeys", dict(registry._journeys))
    monkeypatch.setattr(registry, "_screens", dict(registry._screens))
    choices = tuple(Choice(f"long.{n}", go("long.detail")) for n in range(1, 13))
    registry.register_journey(
        Journey(
            name="long",
            title="Long",
            start="long.list",
            screens=(
                Screen("long.list", words="long.title", choices=choices),
                Screen("long.detail", words="long.detail", choices=(Choice("long.1", go("long.more")),)),
                Screen("long.more", words="long.detail"),
            ),
        )
    )
    yield


@pytest.mark.django_db(transaction=True)
def test_customer_pages_through_a_long_list(
    long_menu: None, handset: Callable[..., Handset], aline: User, now: object
) -> None:
    phone = handset(service_code="*777#")
    change_gateway(gateway_id=phone.gateway.pk, changes={"service_codes": {"*777#": "long"}}, at=now)

    first = phone.dial()
    assert first.startswith("A long list\n1 Choice number 1 of the long list\n2 ")
    assert first.endswith("98 More")
    second = phone.type("98")
    assert second.endswith("98 More\n0 Back")
    assert phone.type("0") == first
    assert phone.type("98") == second
    # A number counts on every page.
    assert phone.type("12") == "Details\n1 Choice number 1 of the long list\n0 Back"
    assert phone.type("1") == "Details\n0 Back\n00 Home"
    assert phone.type("00") == first
    screen = first
    while "98 More" in screen:
        screen = phone.type("98")
    assert screen == "11 Choice number 11 of the long list\n12 Choice number 12 of the long list\n0 Back"
    assert phone.type("98").startswith("No such choice.\nA long list\n1 Choice number 1 ")
