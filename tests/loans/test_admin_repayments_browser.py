"""Repayments in a real browser under the real content policy: dialogs, the upload, and no page wider than the phone."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from loans.models import Loan, PaidInNotice, Repayment, RepaymentFile
from loans.services.paid_in import match_notice, store_notice
from loans.services.repayment_files import apply_lines
from tests.loans.books import fake_world, paid_out_loan, repay
from tests.loans.conftest import make_customer
from tests.simulator.browser import Watched, launch, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


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
    context = chromium.new_context(base_url=live_server.url)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    watched = Watched(context.new_page())
    watched.watch()
    yield watched.page
    context.close()
    assert watched.troubles == []


@pytest.fixture
def loan(monkeypatch: pytest.MonkeyPatch) -> Loan:
    fake_world(monkeypatch)
    return paid_out_loan(make_customer(), at=timezone.now() - timedelta(hours=3))


def address(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:loans_{model}_{view}", args=args)


def test_repayment_is_recorded_and_taken_back_by_dialogs(page: Page, loan: Loan) -> None:
    page.goto(address("loan", "change", loan.pk))
    page.get_by_role("link", name="Record repayment").click()
    page.locator("input[name=reference]").fill("R-1")
    page.locator("input[name=amount]").fill("4000")
    page.get_by_role("button", name="Record repayment").click()
    expect(page.get_by_text("Repayment booked.")).to_be_visible()

    page.get_by_role("link", name="R-1").click()
    page.get_by_role("link", name="Take back").click()
    page.locator("input[name=reason]").fill("Counted wrong")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()

    assert Repayment.objects.get().reversal_reason == "Counted wrong"


def test_file_is_uploaded_looked_at_and_applied(page: Page, loan: Loan, tmp_path: Path) -> None:
    file = tmp_path / "friday.csv"
    day = (timezone.now() - timedelta(days=1)).strftime("%d/%m/%Y")
    file.write_text(f"loan;amount;rail;reference;received_at\n{loan.number};4000;bank;T-1;{day}\n;1;bank;T-2;{day}\n")
    page.goto(address("repaymentfile", "changelist"))
    page.goto(address("repaymentfile", "add"))
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("pays NGN 4,000, leaves NGN 6,000.")).to_be_visible()
    expect(page.get_by_text("Give either loan or phone.")).to_be_visible()

    page.get_by_role("link", name="Apply").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("The lines are being booked.")).to_be_visible()
    apply_lines(file_id=RepaymentFile.objects.get().pk)
    page.reload()
    expect(page.get_by_text("1 bad, skipped, 1 booked")).to_be_visible()


def test_no_page_is_wider_than_the_window(page: Page, loan: Loan, client: Any) -> None:
    now = timezone.now() - timedelta(hours=1)
    repayment = repay(loan, 4000, reference="TRF-" + "9" * 40, at=now).repayment
    for number in range(3):
        notice = store_notice(
            rail="mtn_momo",
            reference=f"7788990011223344{number}",
            phone="+2348030000001",
            amount=repayment.amount,
            currency="NGN",
            loan_number="USS-2026-99999" if number else "",
            partner="collections@bank.example.com",
            paid_at=now,
            at=now,
        ).notice
        match_notice(notice_id=notice.pk, at=now)
    day = now.strftime("%Y-%m-%d")
    lines = "\n".join(f"{loan.number},{number % 3},bank,REFERENCE-{number:010},{day}" for number in range(30))
    content = f"loan,amount,rail,reference,received_at\n{lines}\n"
    page.goto(address("repaymentfile", "add"))
    page.locator("input[name=file]").set_input_files(
        {"name": "friday.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("Nothing is booked yet.")).to_be_visible()
    file = RepaymentFile.objects.get()
    pages = {
        "loan": address("loan", "change", loan.pk),
        "repayments": address("repayment", "changelist"),
        "repayment": address("repayment", "change", repayment.pk),
        "notices": address("paidinnotice", "changelist"),
        "notice": address("paidinnotice", "change", PaidInNotice.objects.order_by("reference")[0].pk),
        "upload": address("repaymentfile", "add"),
        "files": address("repaymentfile", "changelist"),
        "file": address("repaymentfile", "change", file.pk),
        "lines": address("repaymentfileline", "changelist") + f"?file={file.pk}",
    }
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for name, url in pages.items():
            page.goto(url)
            if pictures := os.environ.get("PICTURES"):
                page.screenshot(path=f"{pictures}/{name}-{size}.png", full_page=True)
            assert overflow(page) == 0, f"{name} on a {size}"
