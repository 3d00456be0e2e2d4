"""The buttons of a payout, pressed in a real browser under the real content policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from disbursements.statuses import ErrorClass
from tests.disbursements.conftest import Line
from tests.disbursements.fake_provider import World, refused
from tests.simulator.browser import Watched, launch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Started before anything speaks to the database, and ended after: its loop runs in this thread."""
    with pytest.MonkeyPatch.context() as patch:
        # Django would take every query beside that loop for one made inside it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launch() as browser:
            yield browser


@pytest.fixture
def page(chromium: Browser, live_server: Any, client: Any) -> Iterator[Page]:
    """Signed in as a superuser. Any trouble on the page fails the test."""
    client.force_login(User.objects.create_superuser(email="root@example.com", password="x"))
    context = chromium.new_context()
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    watched = Watched(context.new_page())
    watched.watch()
    yield watched.page
    context.close()
    assert watched.troubles == []


def test_retry_asks_for_a_reason_and_queues_the_payout(page: Page, live_server: Any, line: Line, world: World) -> None:
    world.next_fates = [refused(ErrorClass.PERMANENT)]
    line.go()
    line.go()
    page.goto(live_server.url + reverse("admin:disbursements_disbursement_change", args=[line.id]))

    page.get_by_role("link", name="Retry").click()
    expect(page.get_by_text("nothing is paid twice")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    assert line.row.status == "failed"

    page.locator("input[name=reason]").fill("wallet opened")
    page.get_by_role("button", name="Retry").click()

    expect(page.get_by_text("Queued again.")).to_be_visible()
    assert (line.row.status, line.events) == ("queued", ["failed", "retried"])
