"""What customers are told of their repayments by SMS, queued with the booking."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ledger.money import format_amount
from loans.models import Loan, Repayment
from notifications.services import send_sms


def tell_repaid(*, repayment: Repayment, used: Sequence[Repayment], held: Decimal, at: datetime) -> None:
    """What came in and what is left; and a message for each loan that the rest of it settled."""
    loan = repayment.loan
    if repayment.overpaid and held:
        template = "loan.overpaid"
    elif loan.outstanding:
        template = "loan.partly_repaid"
    else:
        template = "loan.repaid_in_full"
    _send(template, repayment, key=f"loan:repayment:{repayment.pk}", at=at, held=held)
    tell_used(used, at=at)


def tell_used(used: Sequence[Repayment], *, at: datetime) -> None:
    """What we held of the customer's money has gone to their loans."""
    for repayment in used:
        _send("loan.credit_used", repayment, key=f"loan:repayment:{repayment.pk}", at=at)


def tell_reversed(repayment: Repayment, *, at: datetime) -> None:
    """A payment was taken back, and so much is owed now."""
    _send("loan.repayment_reversed", repayment, key=f"loan:repayment:{repayment.pk}:reversed", at=at)


def _send(template: str, repayment: Repayment, *, key: str, at: datetime, held: Decimal = Decimal(0)) -> None:
    loan: Loan = repayment.loan
    send_sms(
        to=loan.phone,
        template=template,
        language=loan.customer.language or "en",
        context={
            "amount": format_amount(repayment.amount, repayment.currency),
            "left": format_amount(loan.outstanding, loan.currency),
            "held": format_amount(held, loan.currency),
            "number": loan.number,
            "day": f"{loan.due_date:%d/%m/%Y}",
        },
        key=key,
        at=at,
    )
