"""Every page of the back office in a browser: list, search, first row; on a wide and on a narrow screen."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler
from playwright.sync_api import ViewportSize

from accounts.models import User
from config.back_office import UNFOLD
from config.celery import app
from config.demo.cast import STAFF
from config.demo.secrets import demo_password
from disbursements.models import Disbursement, ProviderBalance
from disbursements.statuses import DisbursementStatus
from loans.models import CollectionCallback, Loan
from loans.repayment_csv import SAMPLE
from loans.services.collections import request_collection
from loans.services.offer_records import store_offers
from loans.services.offers import make_offers
from loans.services.paid_in import store_notice
from loans.services.repayment_files import upload_file
from loans.statuses import LoanStatus, Rail
from promos.models import PromoCode
from tests.simulator.browser import NARROW, WIDE, WIDTHS, Watched, overflow
from tests.simulator.handset import ALINE
from tests.support.waiting import wait_until
from ussd.handset import Call, HttpLine
from ussd.models import Gateway, TurnRecord

OpenPage = Callable[..., Watched]
GROUPS: dict[str, list[dict[str, Any]]] = {group["title"]: group["items"] for group in UNFOLD["SIDEBAR"]["navigation"]}
# Nobody makes groups here, the sandbox sends no reports unless told where to, and some pages are figures only.
WITHOUT_ROWS = {"auth/group/", "notifications/deliveryreport/", "loans/funnelday/", "loans/funnelday/portfolio/"}
# A list is a table; settings are cards.
ROWS = "#result_list tbody tr th a, #result_list tbody tr td a, a[href$='/payments/']"


@pytest.fixture
def lived_in(product: str) -> str:
    """One code redeemed, paid and told, so that every list has a row."""
    call = Call(Gateway.objects.get(slug="demo-at"), ALINE, "*123#", HttpLine(product), "63510")
    call.dial()
    call.type("1")
    assert "accepted" in call.type(str(PromoCode.objects.latest("id"))).text
    wait_until(lambda: Disbursement.objects.filter(status=DisbursementStatus.COMPLETED).exists())
    wait_until(TurnRecord.objects.exists)
    app.send_task("disbursements.check_balances")
    wait_until(ProviderBalance.objects.exists)
    lend()
    # What beat does at its start.
    DatabaseScheduler(app=app).setup_schedule()
    return product


def lend() -> None:
    """An offer, money asked for and money that came unasked, and a file of repayments; loans the demo has."""
    now, phone = timezone.now(), Loan.objects.latest("created_at").phone
    make_offers(phone=phone, session_id="back-office", network="MTN NG", partner="", at=now)
    store_offers(at=now)
    store_notice(
        rail=Rail.BANK,
        reference="TRF-1",
        phone=phone,
        amount=Decimal(500),
        currency="NGN",
        loan_number="",
        partner="bank@example.com",
        paid_at=now,
        at=now,
    )
    owed = Loan.objects.filter(status__in=LoanStatus.OWED, outstanding__gte=100).latest("created_at")
    request_collection(loan_id=owed.pk, amount=Decimal(100), key="back-office", at=now)
    wait_until(CollectionCallback.objects.exists)
    boss = User.objects.get(email=STAFF[0].email)
    upload_file(name="bank.csv", content=SAMPLE.encode(), uploaded_by=boss, at=now)


@pytest.fixture
def signed_in(open_page: OpenPage, lived_in: str) -> Watched:
    """A window of the demo's administrator."""
    client = Client()
    client.force_login(User.objects.get(email=STAFF[0].email))
    watched = open_page()
    watched.page.context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": lived_in,
            }
        ]
    )
    return watched


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_the_front_door_leads_to_every_room(open_page: OpenPage, product: str, size: ViewportSize) -> None:
    page = open_page(size).page
    page.goto(product)

    assert overflow(page) == 0
    page.locator("text=Dial a code").click()
    page.wait_for_url("**/simulator/")
    page.go_back()
    page.locator("text=Back office").click()
    page.wait_for_url("**/admin/login/**")


def test_staff_sign_in(open_page: OpenPage, product: str) -> None:
    page = open_page().page
    page.goto(f"{product}/admin/")
    page.fill("input[name=username]", STAFF[0].email.upper())
    page.fill("input[name=password]", demo_password(STAFF[0].email))
    page.keyboard.press("Enter")

    page.wait_for_url(f"{product}/admin/")
    assert page.locator("text=Promotions").first.is_visible()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    session = cookies[settings.SESSION_COOKIE_NAME]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")


def test_a_wrong_password_is_told(open_page: OpenPage, product: str) -> None:
    page = open_page(NARROW).page
    page.goto(f"{product}/admin/login/")
    page.fill("input[name=username]", STAFF[0].email)
    page.fill("input[name=password]", "guess")
    page.keyboard.press("Enter")

    page.locator("text=Please enter the correct").wait_for()
    assert overflow(page) == 0


@pytest.mark.parametrize("group", GROUPS)
def test_pages(signed_in: Watched, lived_in: str, group: str) -> None:
    troubles: dict[str, str] = {}
    for item in GROUPS[group]:
        for view, path in visit(signed_in, lived_in + str(item["link"])):
            for size in (WIDE, NARROW):
                signed_in.page.set_viewport_size(size)
                if wider := overflow(signed_in.page):
                    troubles[f"{item['title']}: {view} at {size['width']}"] = f"{wider} px too wide: {path}"

    assert troubles == {}


def visit(watched: Watched, address: str) -> Iterator[tuple[str, str]]:
    """The list, the list searched, the first row; as (what, address) while each is shown."""
    page = watched.page
    page.set_viewport_size(WIDE)
    page.goto(address)
    yield "list", page.url
    first = page.locator(ROWS).first
    detail = first.get_attribute("href") if first.count() else None
    assert detail or address.split("/admin/")[1] in WITHOUT_ROWS, f"{address} shows no row"
    search = page.locator("#searchbar")
    if search.count():
        search.fill("a")
        search.press("Enter")
        page.wait_for_url("**q=a**")
        yield "search", page.url
    if detail:
        page.goto(address.split("/admin/")[0] + detail)
        yield "detail", page.url


def test_front_page_of_the_back_office(signed_in: Watched, lived_in: str) -> None:
    signed_in.page.goto(lived_in + reverse("admin:index"))

    assert overflow(signed_in.page) == 0
    assert signed_in.page.locator("text=Starhash").first.is_visible()
