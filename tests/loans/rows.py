"""Loans as rows, in any state, without the services that lead there: for tests of pages and of scoring."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.statuses import DisbursementStatus
from loans.accounts import receivable_account
from loans.configuration import CreditSettings, LoanSettings
from loans.eligibility import BorrowerFacts, decide_eligibility
from loans.models import Loan, Offer
from loans.statuses import LoanChannel, LoanStatus

PAID_OUT = LoanStatus.OWED | {LoanStatus.COMPLETED, LoanStatus.WRITTEN_OFF}


def explanation(score: int = 300, *, loans: int = 1) -> dict[str, Any]:
    """Of an offer to somebody with this score, under the settings as delivered."""
    facts = BorrowerFacts(score=score, credit_limit=Decimal(10_000), automatic_limit=True, total_loans=loans)
    return decide_eligibility(facts, CreditSettings(), LoanSettings(), versions={"credit": 3, "loans": 0}).explanation


def make_loan(customer: User, *, at: datetime, number: str = "USS-2026-001", **fields: Any) -> Loan:
    """A loan of 10,000, of which 9,000 went to the customer; paid out where its status says so."""
    values: dict[str, Any] = {
        "status": LoanStatus.DISBURSED,
        "amount": Decimal(10_000),
        "interest_rate": Decimal(10),
        "interest": Decimal(1_000),
        "disbursed_amount": Decimal(9_000),
        "amount_paid": Decimal(0),
        "repayment_period_days": 30,
        "due_date": (at + timedelta(days=30)).date(),
        "channel": LoanChannel.USSD,
        "network": customer.network,
        "currency": "NGN",
        "explanation": explanation(),
        "created_at": at,
        "approved_at": at,
        "idempotency_key": str(uuid4()),
        "session_instance": str(uuid4()),
        **fields,
    }
    values["outstanding"] = values["amount"] - values["amount_paid"]
    if values["status"] in PAID_OUT:
        values.setdefault("disbursed_at", at)
        values.setdefault("disbursement", _payout(customer, number, values["disbursed_amount"], at))
    return Loan.objects.create(customer=customer, phone=customer.phone or "", number=number, **values)


def make_offer(customer: User, *, at: datetime, **fields: Any) -> Offer:
    """What a customer with 300 points was shown."""
    values: dict[str, Any] = {
        "score": 300,
        "eligible_amount": Decimal(10_000),
        "currency": "NGN",
        "offers": [],
        "explanation": explanation(),
        "network": customer.network,
    }
    return Offer.objects.create(customer_id=customer.pk, phone=customer.phone or "", at=at, **values | fields)


def _payout(customer: User, number: str, amount: Decimal, at: datetime) -> Disbursement:
    return Disbursement.objects.create(
        key=f"loan:{number}",
        purpose="loan",
        payee=customer.phone or "",
        customer=customer,
        amount=amount,
        currency="NGN",
        funded_from=receivable_account("NGN"),
        provider="mtn_momo",
        status=DisbursementStatus.COMPLETED,
        requested_at=at,
        open_since=at,
        disbursed_at=at,
    )
