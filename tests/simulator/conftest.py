"""A running product for the browser: web, sandbox and worker, demo data, and a browser."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, ViewportSize
from pytest_django.live_server_helper import LiveServer

from config.demo.loader import load_demo
from tests.simulator.browser import WIDE, Watched, launch
from tests.support.background import background_work
from tests.support.sandbox_process import SandboxProcess
from ussd.selectors import forget_gateways


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a page needs a browser, and data that the web process sees: committed."""
    for item in items:
        if "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    # Playwright's own loop runs in this thread; Django would take every query for one made inside it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with launch() as browser:
        yield browser
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def outside() -> Iterator[SandboxProcess]:
    """The simulated outside world. It settles at once and calls back."""
    with SandboxProcess(settle_ms=50, report_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def product(outside: SandboxProcess, settings: Any, live_server: LiveServer) -> Iterator[str]:
    """Address of the web process, with demo data and a worker behind it."""
    outside.reset()
    settings.SANDBOX_URL = outside.url
    settings.PUBLIC_URL = live_server.url
    forget_gateways()
    load_demo(at=timezone.now())
    with background_work():
        yield live_server.url
    forget_gateways()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """`open_page(size)`: a fresh window. Any trouble in it fails the test at its end."""
    opened: list[Watched] = []

    def make(size: ViewportSize = WIDE, **options: Any) -> Watched:
        watched = Watched(chromium.new_context(viewport=size, **options).new_page())
        watched.watch()
        opened.append(watched)
        return watched

    yield make
    troubles = [trouble for watched in opened for trouble in watched.troubles]
    for watched in opened:
        watched.page.context.close()
    assert troubles == []
