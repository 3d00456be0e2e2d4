"""The page in a browser: it shows the books and sets faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from sandbox.options import DEMO_SMS_API_KEY
from tests.sandbox.collections_client import NIGERIAN, CollectionsClient
from tests.sandbox.momo_client import RWANDAN, MomoClient
from tests.support.sandbox_process import SandboxProcess

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


@pytest.fixture
def page(sandbox: SandboxProcess) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(sandbox.url)
        yield page
        browser.close()
    assert errors == []


def test_page_follows_the_books(page: Page, merchant: MomoClient) -> None:
    expect(page.get_by_text("No transfer yet.")).to_be_visible()

    merchant.wait_for_end(merchant.pay(amount="12500"))
    merchant.sandbox.http.post(
        f"{merchant.sandbox.url}/version1/messaging",
        data={"username": "sandbox", "to": f"+{RWANDAN}", "message": "<b>Paid</b>"},
        headers={"apiKey": DEMO_SMS_API_KEY},
        timeout=30,
    )

    row = page.get_by_role("row").filter(has_text=RWANDAN)
    expect(row).to_contain_text("12,500")
    expect(row).to_contain_text("SUCCESSFUL")
    expect(page.locator("#floats")).to_contain_text("99,987,500 RWF")
    expect(page.locator("#sms")).to_contain_text("<b>Paid</b>")


def test_page_sets_and_clears_faults(page: Page, sandbox: SandboxProcess) -> None:
    page.get_by_label("Fault", exact=True).select_option("refuse")
    page.get_by_label("How many requests").fill("many")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#refused")).to_contain_text("times")
    assert sandbox.get("momo/faults") == {"mode": "none"}

    page.get_by_label("How many requests").fill("2")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#momo-fault")).to_contain_text("refuse")
    shown = sandbox.get("momo/faults")
    assert (shown["mode"], shown["times"], shown["reason"]) == ("refuse", 2, "PAYEE_NOT_FOUND")

    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#momo-fault")).to_have_text("none")
    assert sandbox.get("momo/faults") == {"mode": "none"}


def test_page_shows_requests_to_pay_and_makes_them_fail(page: Page, sandbox: SandboxProcess) -> None:
    expect(page.get_by_text("Nobody was asked yet.")).to_be_visible()
    page.get_by_label("Fault", exact=True).locator("optgroup[label=Collections] option", has_text="refuse").evaluate(
        "option => { option.selected = true }"
    )
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#collections-fault")).to_contain_text("APPROVAL_REJECTED")
    expect(page.locator("#momo-fault")).to_have_text("none")

    client = CollectionsClient(sandbox)
    client.sign_in()
    client.collect(amount="7500")

    row = page.locator("#collections").get_by_role("row").filter(has_text=NIGERIAN)
    expect(row).to_contain_text("7,500")
    expect(row).to_contain_text("FAILED")
