"""A borrower on the credit line, for tests of the `credit` journey."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from loans.models import Loan
from loans.services.payouts import LoanPayouts
from tests.ussd.dialling import Handset
from ussd.models import Gateway
from ussd.services.gateways import create_gateway
from ussd.texts.dates import short_day

CREDIT, MENU = "*200#", "*384#"
ADA = "+2348031234567"
MAIN = "Starhash: loans\n1 Get a loan\n2 My loan\n3 Repay\n4 Why this amount?\n5 Language\n0 Exit"
OFFERS = "Choose a loan (NGN):\n1 Get 4,500, repay 5,000\n2 Get 6,750, repay 7,500\n3 Get 9,000, repay 10,000\n0 Back"
TAKEN = "Your loan is being processed. You will be notified shortly."


def make_line(kind: str, *, at: datetime) -> Gateway:
    """A Nigerian gateway of this kind with the credit code and the main menu."""
    gateway, _secret = create_gateway(
        slug=f"{kind}-ng",
        name="Lagos",
        kind=kind,
        service_codes={CREDIT: "credit", MENU: "menu"},
        region="NG",
        at=at,
    )
    return gateway


def make_borrower(phone: str = ADA, *, language: str = "en", at: datetime) -> User:
    """Has dialled before, never borrowed."""
    user = User.objects.create(phone=phone, language=language, network="MTN NG")
    # Long enough ago not to look as if the language had just been chosen.
    User.objects.filter(pk=user.pk).update(updated_at=at - timedelta(days=1))
    return user


def phone_of(gateway: Gateway, *, service_code: str = CREDIT, **kwargs: object) -> Handset:
    """Ada's phone."""
    return Handset(gateway, ADA, service_code, network_code="62130", **kwargs)  # type: ignore[arg-type]


def take_loan(phone: Handset, *, option: str = "3") -> str:
    """Dial, choose, consent: the last words."""
    phone.dial()
    for typed in ("1", option):
        phone.type(typed)
    return phone.type("1")


def settle(loan: Loan, outcome: str, at: datetime) -> Loan:
    """What the payout engine tells the owner of the payout."""
    assert loan.disbursement is not None
    with transaction.atomic():
        getattr(LoanPayouts(), outcome)(loan.disbursement, at)
    loan.refresh_from_db()
    return loan


def due_day(at: datetime, *, days: int, language: str = "en") -> str:
    """So many days on, in Lagos, as screens write it."""
    return short_day((at.astimezone(ZoneInfo("Africa/Lagos")) + timedelta(days=days)).date(), language)
