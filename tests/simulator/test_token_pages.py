"""Partners' tokens in the back office, in a browser: rotated, limited, looked at; on a wide and on a narrow screen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import ViewportSize
from pytest_django.live_server_helper import LiveServer

from accounts.models import ApiToken, User
from accounts.services.token_checks import check_token
from accounts.services.token_usage import Counts, add_usage
from accounts.services.tokens import create_token
from tests.simulator.browser import WIDTHS, Watched, overflow

OpenPage = Callable[..., Watched]


@pytest.fixture
def token() -> ApiToken:
    """A partner's, used every day for a month."""
    at = timezone.now()
    made, _plain = create_token(
        partner_email="gateway@partner.example",
        name="Live gateway",
        scopes=["ussd", "loans"],
        allowed_ips=["192.0.2.7", "10.20.0.0/16", "2001:db8:1234::/48"],
        created_by=None,
        at=at,
    )
    add_usage(
        {
            (made.pk, at.date() - timedelta(days=ago)): Counts(4000 + ago * ago * 37 % 9000, ago % 4 * 120)
            for ago in range(30)
        }
    )
    return made


@pytest.fixture
def sign_in(open_page: OpenPage, live_server: LiveServer) -> OpenPage:
    """`sign_in(size)`: a window of a Super Administrator."""

    def make(size: ViewportSize) -> Watched:
        client = Client()
        client.force_login(User.objects.create_superuser(email="root@example.com"))
        watched = open_page(size)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        watched.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        return watched

    return make


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_a_token_is_rotated(sign_in: OpenPage, live_server: LiveServer, token: ApiToken, size: ViewportSize) -> None:
    page = sign_in(size).page
    page.goto(live_server.url + reverse("admin:accounts_apitoken_change", args=[token.pk]))
    assert overflow(page) == 0
    assert page.locator("#usage tbody tr").count() == 30

    page.goto(live_server.url + reverse("admin:accounts_apitoken_rotate", args=[token.pk]))
    assert overflow(page) == 0
    page.fill("input[name=hours]", "48")
    page.get_by_role("button", name="Rotate token").click()
    page.locator("#token").wait_for()

    assert overflow(page) == 0
    plain = page.locator("#token").inner_text()
    assert check_token(plain, at=timezone.now(), address="192.0.2.7").replaces == token
    page.goto(live_server.url + reverse("admin:accounts_apitoken_changelist"))
    assert page.locator("text=Retiring").first.is_visible()
    assert overflow(page) == 0


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_limits_are_changed(sign_in: OpenPage, live_server: LiveServer, token: ApiToken, size: ViewportSize) -> None:
    page = sign_in(size).page
    page.goto(live_server.url + reverse("admin:accounts_apitoken_change", args=[token.pk]))
    # On a narrow screen the buttons are folded into a menu; the click is the same.
    page.locator("[hx-get*='change_limits'], [href*='change_limits']").first.dispatch_event("click")
    addresses = page.locator("textarea[name=allowed_ips]")
    addresses.wait_for()
    assert addresses.input_value() == "192.0.2.7/32, 10.20.0.0/16, 2001:db8:1234::/48"
    addresses.fill("10.20.0.1/16")
    page.locator("#dialog button[type=submit]").click()
    page.locator("#dialog-form", has_text="has host bits set").wait_for()
    assert overflow(page) == 0

    addresses.fill("10.20.0.0/16")
    page.fill("#dialog input[name=rate_limit]", "50")
    page.locator("#dialog button[type=submit]").click()

    page.locator("text=is changed").wait_for()
    token.refresh_from_db()
    assert (token.rate_limit, token.allowed_ips) == (50, ["10.20.0.0/16"])
