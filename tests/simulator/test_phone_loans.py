"""Borrowing and repaying on the phone in the browser, from the dial to the messages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize

from loans.models import Loan
from loans.statuses import LoanStatus
from tests.simulator.browser import WIDTHS, Watched, overflow
from tests.simulator.handset import Phone
from tests.support.sandbox_process import SandboxProcess
from tests.support.waiting import wait_until
from ussd.simulator.cast import CHIDI

MENU = "Starhash: loans\n1 Get a loan\n2 My loan\n3 Repay\n4 Why this amount?\n5 Language\n0 Exit"


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_a_customer_borrows_and_repays(
    open_page: Callable[..., Watched], product: str, outside: SandboxProcess, size: ViewportSize
) -> None:
    phone = Phone.at(open_page(size), product, person=CHIDI.phone)

    assert phone.in_english("*200#") == MENU
    assert phone.reply("1").split("\n")[3] == "3 Get 9,000, repay 10,000"
    assert phone.reply("3").startswith("Get 9,000. Repay 10,000 by ")
    assert phone.reply("1") == "Your loan is being processed. You will be notified shortly."
    loan = Loan.objects.get(phone=CHIDI.phone)
    assert phone.wait_for_sms().startswith(f"You got NGN 9,000, loan {loan.number}. Repay NGN 10,000 by ")
    assert [line["status"] for line in outside.transfers()] == ["SUCCESSFUL"]
    phone.page.click("#cancel")

    assert phone.dial("*200#").startswith("Your loan of NGN 9,000 was paid to you. Repay NGN 10,000 by ")
    assert phone.reply("3") == f"Loan {loan.number}: you owe NGN 10,000.\n1 Pay all: NGN 10,000\n2 Other amount\n0 Back"
    phone.reply("1")
    assert phone.reply("1").startswith("Approve the payment of NGN 10,000 on your phone with your PIN.")
    wait_until(lambda: Loan.objects.filter(pk=loan.pk, status=LoanStatus.COMPLETED).exists())
    phone.page.click("#cancel")

    assert phone.dial("*200#") == f"We received NGN 10,000. Your loan is repaid.\n{MENU}"
    assert overflow(phone.page) == 0
