"""A browser that reports every trouble: errors on its console, refused requests, breaches of the content policy."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE: ViewportSize = {"width": 1280, "height": 860}
NARROW: ViewportSize = {"width": 390, "height": 844}
WIDTHS = {"wide": WIDE, "narrow": NARROW}
# Milliseconds. Generous, because a busy machine is slow and a passing test does not wait.
PATIENCE = 60_000

_WATCH_POLICY = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI}`));
"""


@contextmanager
def launch() -> Iterator[Browser]:
    """Chromium. Without one the tests are skipped, and fail where BROWSER_TESTS=1 says that there must be one."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        words = "no chromium found: install it, or set CHROMIUM to a Chromium or Chrome"
        if os.environ.get("BROWSER_TESTS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page and what went wrong on it. `expected` are parts of troubles that the test provokes."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def watch(self) -> None:
        """Begin noting troubles."""
        page = self.page
        page.set_default_timeout(PATIENCE)
        page.add_init_script(_WATCH_POLICY)
        page.on("console", lambda message: message.type == "error" and self._note(f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("response", lambda response: response.status >= 400 and self._note(_refused(response)))

    def _note(self, words: str) -> None:
        if not any(part in words for part in self.expected):
            self.troubles.append(f"{self.page.url}: {words}")


def _refused(response: Any) -> str:
    return f"{response.status} for {response.request.method} {response.url}"


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window; 0 when nothing has to be scrolled sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
