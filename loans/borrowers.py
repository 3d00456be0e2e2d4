"""Who asks for a loan, and which loans decide about the request."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q

from accounts.models import User
from loans.models import CreditProfile, Loan


@dataclass(frozen=True)
class Borrower:
    """A customer, with what we know of them as a borrower; None for one who never borrowed."""

    customer: User
    profile: CreditProfile | None


def find_borrower(phone: str) -> Borrower | None:
    """The customer with this number (E.164) and their credit profile, in one SQL statement."""
    customer = User.objects.filter(phone=phone).select_related("credit").first()
    if customer is None:
        return None
    try:
        return Borrower(customer, customer.credit)
    except ObjectDoesNotExist:
        return Borrower(customer, None)


def loans_in_question(
    *, customer_id: UUID, instance: str, session_id: str, session_since: datetime, phone: str, phone_since: datetime
) -> list[Loan]:
    """Newest first: the customer's loans of this session, by our name for it, or by the gateway's since
    `session_since`; and anybody's on this phone since `phone_since`, for the pause between loans.
    """
    same_session = Q(session_instance=instance) | Q(session_id=session_id, created_at__gte=session_since)
    return list(
        Loan.objects.filter(
            Q(same_session, customer_id=customer_id) | Q(phone=phone, created_at__gte=phone_since)
        ).order_by("-created_at", "-pk")
    )
