"""What an approval answers: the loan as its customer first heard of it, or why there is none."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from loans.models import Loan
from loans.statuses import LoanStatus, Refusal


@dataclass(frozen=True)
class LoanView:
    """The loan as it was approved. Every repeat is shown the same, wherever the loan stands by then."""

    id: UUID
    number: str
    customer_id: UUID
    amount: Decimal
    currency: str
    disbursed_amount: Decimal
    due_date: date
    status: LoanStatus = LoanStatus.APPROVED

    @classmethod
    def of(cls, loan: Loan) -> "LoanView":
        """The view of this row."""
        return cls(
            id=loan.pk,
            number=loan.number,
            customer_id=loan.customer_id,
            amount=loan.amount,
            currency=loan.currency,
            disbursed_amount=loan.disbursed_amount,
            due_date=loan.due_date,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data that goes into JSON; amounts as text, because a JSON number would come back as a float."""
        return {
            "id": str(self.id),
            "number": self.number,
            "customer_id": str(self.customer_id),
            "amount": str(self.amount),
            "currency": self.currency,
            "disbursed_amount": str(self.disbursed_amount),
            "due_date": self.due_date.isoformat(),
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "LoanView":
        """What `as_json` gave."""
        return cls(
            id=UUID(found["id"]),
            number=found["number"],
            customer_id=UUID(found["customer_id"]),
            amount=Decimal(found["amount"]),
            currency=found["currency"],
            disbursed_amount=Decimal(found["disbursed_amount"]),
            due_date=date.fromisoformat(found["due_date"]),
        )


@dataclass(frozen=True, kw_only=True)
class ApprovalResult:
    """The loan, or why there is none. `retry_after`: how long the pause between loans still lasts."""

    refusal: Refusal | None = None
    loan: LoanView | None = None
    retry_after: timedelta | None = None
    is_repeat: bool = False
