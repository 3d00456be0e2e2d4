"""Takes the README's pictures from a running `make run`: `.venv/bin/python docs/images/take.py`.

Needs what `make check` installs, and a Chromium. Redeems a few demo codes on the way, so that the lists have something
to show.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
MOST_BYTES = 200_000
# The phone needs less room than a list with its menu.
NARROWER = ViewportSize(width=1180, height=770)
WIDER = ViewportSize(width=1440, height=800)
# Who redeems before the pictures are taken; the last one is in the picture of the phone.
PEOPLE = ("Aline", "Eric", "Grace", "Refused wallet", "Slow payer", "Diane")


def main() -> None:
    access = json.loads(_manage("demo_access", "--json"))
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=NARROWER)
        page.goto(f"{access['web']}/simulator/")
        for name in PEOPLE:
            _redeem(page, name)
        page.locator("#toast").wait_for()
        # Soft shades take most of a picture's bytes.
        page.add_style_tag(content="body { background: #f3f7f5 } .card, .phone { box-shadow: none }")
        page.wait_for_timeout(500)  # until it has dropped down
        _keep(page, "phone.png")
        page.goto(f"{access['web']}/admin/")
        page.fill("input[name=username]", access["staff"][0]["email"])
        page.fill("input[name=password]", access["staff"][0]["password"])
        page.keyboard.press("Enter")
        page.wait_for_url(f"{access['web']}/admin/")
        page.set_viewport_size(WIDER)
        page.goto(f"{access['web']}/admin/disbursements/disbursement/")
        page.wait_for_timeout(500)
        _keep(page, "back-office.png")
        browser.close()


def _redeem(page: Page, name: str) -> None:
    """Dial a code directly; whoever dials for the first time chooses a language before."""
    option = page.locator("#person option", has_text=name).get_attribute("value")
    page.select_option("#person", option)
    first = page.locator("#codes b").first
    code = first.inner_text()
    first.click()
    page.click("#call")
    page.wait_for_selector("#dialog:not([hidden])")
    if "language" in page.inner_text("#words"):
        page.fill("#reply", "1")
        page.click("#send")
        page.wait_for_selector("#dialog:not([hidden])")
    words = page.inner_text("#words")
    if "Code accepted" not in words:
        sys.exit(f"{name} was told: {words}")
    expect(first).not_to_have_text(code)  # the used code is gone from the list


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=HERE / name)
    size = (HERE / name).stat().st_size
    print(f"{name}: {size:,} bytes")  # noqa: T201
    if size > MOST_BYTES:
        sys.exit(f"{name} is larger than {MOST_BYTES:,} bytes")


def _manage(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
