"""Redeeming on the phone in the browser, from dialling to the message that the money is there."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize, expect

from promos.models import PromoCode, Redemption
from promos.statuses import CodeStatus, RedemptionStatus
from tests.simulator.browser import WIDTHS, Watched
from tests.simulator.handset import ALINE, CHOOSE_LANGUAGE, DIANE, ERIC, PROMPT, Phone, accepted
from tests.support.sandbox_process import SandboxProcess
from tests.support.waiting import wait_until
from ussd.models import SessionEvent

OpenPage = Callable[..., Watched]


def paid(code: str) -> str:
    return f"You have been paid RWF 500 for your promo code {code[:4]}... Thank you for taking part."


def book(outside: SandboxProcess) -> list[tuple[str, str, str]]:
    """What the simulated provider really paid: amount, wallet, status."""
    return [(str(line["amount"]), line["partyId"], line["status"]) for line in outside.transfers()]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_a_stranger_redeems_a_code_with_the_keys_alone(
    open_page: OpenPage, product: str, outside: SandboxProcess, size: ViewportSize
) -> None:
    phone = Phone.at(open_page(size), product, person=DIANE)
    code = phone.first_code()

    assert phone.dial("*123#") == CHOOSE_LANGUAGE
    phone.press("1")
    phone.page.click("#send")
    assert phone.words == PROMPT
    phone.press_letters(code.replace("-", ""))
    assert phone.page.input_value("#reply") == code.replace("-", "")
    phone.page.click("#send")

    assert phone.words == accepted(DIANE)
    assert phone.wait_for_sms() == paid(code)
    # The message stands beside the words, not over them.
    toast, dialog = phone.page.locator("#toast").bounding_box(), phone.page.locator("#dialog").bounding_box()
    assert toast and dialog and toast["y"] + toast["height"] <= dialog["y"]
    assert phone.inbox() == [paid(code)]
    assert book(outside) == [("500", DIANE.removeprefix("+"), "SUCCESSFUL")]
    assert Redemption.objects.get().status == RedemptionStatus.COMPLETED
    assert PromoCode.objects.get(status=CodeStatus.REDEEMED).code == code.replace("-", "")
    expect(phone.codes.filter(has_text=code)).to_have_count(0)


def test_the_keyboard_alone_does_it_too(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product, person=ERIC)
    code = phone.first_code()
    keyboard = phone.page.keyboard

    phone.page.locator("#person").blur()
    keyboard.type("*123##")
    keyboard.press("Backspace")
    assert phone.page.inner_text("#dialled") == "*123#"
    keyboard.press("Enter")
    assert phone.words == CHOOSE_LANGUAGE
    keyboard.type("1")
    keyboard.press("Enter")
    assert phone.words == PROMPT
    keyboard.type(code.lower().replace("-", " "))
    keyboard.press("Enter")
    assert phone.words == accepted(ERIC)
    keyboard.press("Enter")

    assert phone.page.locator("#dialog").is_hidden()
    assert phone.page.inner_text("#dialled") == ""


def test_enter_on_a_button_does_what_the_button_says(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)

    phone.page.locator("#quick button", has_text="Main menu").focus()
    phone.page.keyboard.press("Enter")

    assert phone.words == CHOOSE_LANGUAGE
    assert "serviceCode=*100#" in phone.page.text_content("#wire")


def test_a_turn_delivered_twice_pays_once(open_page: OpenPage, product: str, outside: SandboxProcess) -> None:
    phone = Phone.at(open_page(), product)
    code = phone.first_code()
    assert phone.in_english() == PROMPT

    phone.network("repeat")
    assert phone.reply(code) == accepted(ALINE)

    assert phone.page.text_content("#wire").endswith("Delivered twice: the same words came back.")
    # The network behaves again by itself.
    assert phone.page.locator("input[name=fault][value=none]").is_checked()
    assert phone.wait_for_sms() == paid(code)
    assert book(outside) == [("500", ALINE.removeprefix("+"), "SUCCESSFUL")]


def test_after_a_lost_answer_the_next_dial_says_what_became_of_it(
    open_page: OpenPage, product: str, outside: SandboxProcess
) -> None:
    phone = Phone.at(open_page(), product)
    code = phone.first_code()
    assert phone.in_english() == PROMPT

    phone.network("drop")
    assert phone.reply(code) == "Connection lost. Please try again."
    phone.page.click("#cancel")
    assert phone.wait_for_sms() == paid(code)

    assert phone.dial("*123#") == f"RWF 500 was paid to you.\n{PROMPT}"
    assert phone.reply(code) == "You redeemed this code already. Dial again any time to hear about your money."
    assert book(outside) == [("500", ALINE.removeprefix("+"), "SUCCESSFUL")]


def test_a_code_dialled_directly(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)
    assert phone.in_english() == PROMPT
    phone.page.click("#hang")
    code = phone.first_code()

    phone.codes.first.click()
    assert phone.page.inner_text("#dialled") == f"*123*{code}#"
    assert phone.page.inner_text("#idle-hint") == "Press Call"
    phone.page.click("#call")

    assert phone.words == accepted(ALINE)


def test_hanging_up_ends_the_session_and_tells_the_gateway_so(open_page: OpenPage, product: str) -> None:
    phone = Phone.at(open_page(), product)
    assert phone.in_english() == PROMPT
    assert re.fullmatch(r"3:00|2:5\d", phone.timer)

    phone.page.click("#hang")

    assert (phone.timer, phone.page.locator("#dialog").is_hidden()) == ("", True)
    event = wait_until(SessionEvent.objects.first)
    assert (event.status, event.service_code, event.hops, event.phone) == ("Incomplete", "*123#", 2, ALINE)
    assert not Redemption.objects.exists()
