"""Loans that were really paid out, through the payout engine, and repayments of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from audit.services import record
from disbursements.providers import registry
from disbursements.services.advance import advance_disbursement
from disbursements.statuses import ProviderSlug
from ledger.invariants import registered_invariants
from ledger.models import Account
from ledger.selectors import balance_of
from loans.eligibility import terms_of
from loans.models import CreditProfile, Loan
from loans.services.credit import open_profile
from loans.services.making import (
    PROFILE_FIELDS,
    NewLoan,
    build_loan,
    count_approved,
    count_promised,
    request_payout,
)
from loans.services.repayments import RepaymentResult, record_repayment
from loans.settings_in_force import lending_settings
from loans.statuses import LoanChannel, LoanStatus
from tests.disbursements.fake_provider import World

_numbers = count(1)


def fake_world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The provider that every payout of the test goes to."""
    world = World()
    for slug in ProviderSlug:
        monkeypatch.setitem(registry._BUILDERS, slug, world.build)
    return world


def approved_loan(
    customer: User, *, at: datetime, amount: int = 10_000, rate: int = 10, days: int = 30, **fields: Any
) -> Loan:
    """A USSD loan that the system approved; its payout waits to be sent."""
    settings = lending_settings()
    with transaction.atomic():
        profile = open_profile(customer=customer, at=at)
        number = next(_numbers)
        new = NewLoan(
            customer=customer,
            phone=customer.phone or "",
            currency="NGN",
            terms=terms_of(Decimal(amount), Decimal(rate), days, "NGN", settings.local_day(at)),
            channel=LoanChannel.USSD,
            number=f"USS-2026-{number:03d}",
            idempotency_key=f"test:{number}",
            session_instance=f"instance-{number}",
            **fields,
        )
        loan = build_loan(new, status=LoanStatus.APPROVED, settings=settings, at=at)
        loan.disbursement = request_payout(loan=loan, customer=customer, at=at)
        loan.save(force_insert=True)
        count_promised(profile, loan)
        count_approved(profile, at=at)
        profile.save(update_fields=PROFILE_FIELDS)
        record("loan.approved", target=loan, after={"status": loan.status}, at=at)
    return loan


def pay_out(loan: Loan, *, at: datetime) -> Loan:
    """A worker sends it and hears that it arrived."""
    advance_disbursement(disbursement_id=loan.disbursement_id, at=at)
    advance_disbursement(disbursement_id=loan.disbursement_id, at=at + timedelta(seconds=10))
    loan.refresh_from_db()
    assert loan.disbursed_at is not None
    return loan


def paid_out_loan(customer: User, *, at: datetime, **terms: Any) -> Loan:
    """A loan of 10,000 that the customer got 9,000 of, due in 30 days. Needs `fake_world`."""
    return pay_out(approved_loan(customer, at=at, **terms), at=at)


def repay(loan: Loan, amount: int | str, *, at: datetime, **changes: Any) -> RepaymentResult:
    """The customer pays so much by bank, under a reference of its own."""
    content: dict[str, Any] = {
        "loan_id": loan.pk,
        "amount": Decimal(amount),
        "currency": "NGN",
        "rail": "bank",
        "reference": f"TRF-{next(_numbers)}",
        "channel": "staff",
        "received_at": at,
        "at": at,
    }
    return record_repayment(**content | changes)


def balances() -> dict[str, int]:
    """What stands on lending's accounts, debits positive, empty ones left out."""
    accounts = Account.objects.filter(code__startswith="loans:")
    found = {account.code.removeprefix("loans:").removesuffix(":NGN"): int(balance_of(account)) for account in accounts}
    return {name: balance for name, balance in found.items() if balance}


def profile_of(customer: User) -> CreditProfile:
    return CreditProfile.objects.get(pk=customer.pk)


def broken() -> set[str]:
    """Names of invariants that do not hold."""
    return {name for name, check in registered_invariants().items() if check()}


def tamper(*statements: str) -> None:
    """Change rows by hand, past every trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(";".join(["SET session_replication_role = replica", *statements]))
        cursor.execute("SET session_replication_role = DEFAULT")
