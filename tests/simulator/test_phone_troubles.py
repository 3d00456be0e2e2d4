"""The phone in the browser when things go wrong, and how it looks on a small screen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize

from promos.models import Redemption
from tests.simulator.browser import NARROW, WIDTHS, Watched, overflow
from tests.simulator.handset import ALINE, CHOOSE_LANGUAGE, PROMPT, Phone, accepted
from tests.support.sandbox_process import SandboxProcess

OpenPage = Callable[..., Watched]


def test_a_session_ends_after_three_minutes(open_page: OpenPage, product: str) -> None:
    watched = open_page()
    watched.page.clock.install()
    phone = Phone.at(watched, product)
    assert phone.dial("*123#") == CHOOSE_LANGUAGE

    phone.page.clock.fast_forward("02:30")
    # The page's clock goes on by itself meanwhile.
    assert re.fullmatch(r"0:30|0:[12]\d", phone.timer)
    assert phone.words == CHOOSE_LANGUAGE
    phone.page.clock.fast_forward("00:31")

    assert (phone.words, phone.timer) == ("Session timed out.", "")
    phone.page.click("#cancel")
    assert phone.dial("*123#") == CHOOSE_LANGUAGE


def test_a_slow_answer_is_waited_for(open_page: OpenPage, product: str) -> None:
    watched = open_page()
    watched.page.clock.install()
    phone = Phone.at(watched, product)
    phone.network("delay")

    with phone.page.expect_response("**/handle/**"):
        phone.press("*123#")
        phone.page.click("#call")
    assert phone.page.inner_text("#busy") == "USSD code running…"
    phone.page.clock.fast_forward(5000)

    assert phone.words == CHOOSE_LANGUAGE


def test_hanging_up_while_the_answer_is_under_way(open_page: OpenPage, product: str) -> None:
    watched = open_page()
    watched.page.clock.install()
    phone = Phone.at(watched, product)
    phone.network("delay")
    with phone.page.expect_response("**/handle/**"):
        phone.page.locator("#quick button").first.click()

    phone.page.click("#hang")
    phone.page.clock.fast_forward(6000)

    # The late answer is nobody's.
    assert phone.page.locator("#dialog").is_hidden()
    assert phone.page.locator("#busy").is_hidden()


def test_what_is_no_service_code_reaches_nobody(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)

    assert phone.dial("*999#") == "Connection problem or invalid MMI code."

    assert phone.page.text_content("#wire") == "Nothing sent yet."


def test_wrong_codes_say_what_is_wrong(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)
    assert phone.in_english() == PROMPT

    words = "This is not a code. A code has 16 letters and digits, like ABCD-EF26-GH11-JK20. Enter it again:"
    assert phone.reply("HELLO") == words
    assert phone.page.inner_text("#count").endswith("/160")
    assert phone.reply("AAAA-AA26-AA11-AA20") == "We do not know this code. Check it and dial again."
    assert not Redemption.objects.exists()


def test_an_empty_reply_is_not_sent(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)
    assert phone.dial("*123#") == CHOOSE_LANGUAGE
    sent: list[str] = []
    phone.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))

    phone.page.click("#send")
    phone.page.keyboard.press("Enter")

    assert (phone.words, sent) == (CHOOSE_LANGUAGE, [])


def test_a_web_process_that_is_gone_is_told_in_words(open_page: OpenPage, product: str) -> None:
    watched = open_page()
    watched.expected = ("net::ERR_FAILED",)
    phone = Phone.at(watched, product)
    phone.page.route("**/handle/**", lambda route: route.abort())

    assert phone.dial("*123#") == "Connection problem. The service did not answer."
    phone.page.click("#cancel")
    phone.page.unroute("**/handle/**")

    assert phone.dial("*123#") == CHOOSE_LANGUAGE


def test_an_answer_the_gateway_would_not_understand(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)
    phone.page.route("**/handle/**", lambda route: route.fulfill(body="<h1>It works!</h1>"))

    assert phone.dial("*123#") == "Error performing request. Unknown error."


def test_a_sandbox_that_is_gone_is_told_beside_the_inbox(
    open_page: OpenPage,
    product: str,
    settings: "pytest_django.fixtures.SettingsWrapper",  # noqa: F821
) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    watched = open_page()
    watched.expected = ("503",)
    watched.page.goto(f"{product}/simulator/")

    watched.page.locator("#sms-state", has_text="The sandbox does not answer.").wait_for()


def test_another_number_than_those_of_the_cast(open_page: OpenPage, product: str, outside: SandboxProcess) -> None:
    phone = Phone.at(open_page(), product)
    phone.page.fill("#number", "0788 999 111")
    phone.page.locator("#number").blur()
    assert phone.page.input_value("#person") == ""
    code = phone.first_code()

    assert phone.in_english() == PROMPT
    assert phone.reply(code) == accepted("+250788999111")

    assert phone.wait_for_sms().startswith("You have been paid RWF 500")
    assert [line["partyId"] for line in outside.transfers()] == ["250788999111"]


def test_another_person_finds_another_inbox(open_page: OpenPage, product: str, outside: SandboxProcess) -> None:
    phone = Phone.at(open_page(), product)
    assert phone.in_english() == PROMPT
    phone.reply(phone.first_code())
    assert phone.wait_for_sms()

    phone.page.select_option("#person", "+250788765432")

    phone.page.wait_for_selector("#inbox .empty")
    assert phone.page.locator("#toast").is_hidden()
    assert phone.page.input_value("#number") == "+250788765432"
    assert phone.page.locator("#dialog").is_hidden()


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_nothing_has_to_be_scrolled_sideways(open_page: OpenPage, product: str, size: ViewportSize) -> None:
    phone = Phone.at(open_page(size), product)
    wide: dict[str, int] = {"idle": overflow(phone.page)}
    phone.in_english()
    phone.page.fill("#reply", "W" * 80)
    wide["long reply"] = overflow(phone.page)
    phone.reply("")
    phone.page.evaluate("document.getElementById('words').textContent = 'M'.repeat(160)")
    wide["long words"] = overflow(phone.page)
    phone.page.click("#hang")
    phone.press("0" * 60)
    wide["long dial"] = overflow(phone.page)
    phone.page.evaluate(
        "document.getElementById('toast').hidden = false;"
        "document.getElementById('toast-words').textContent = 'x'.repeat(300)"
    )
    wide["long message"] = overflow(phone.page)

    assert set(wide.values()) == {0}, wide


def test_on_a_small_screen_a_tapped_code_brings_the_phone_back(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(NARROW), product)

    phone.codes.last.click()

    box = phone.page.locator(".screen").bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= NARROW["height"]
    assert phone.page.inner_text("#dialled").startswith("*123*")
    assert ALINE in phone.page.inner_text("#person option:checked")
