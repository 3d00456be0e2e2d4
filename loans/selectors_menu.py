"""Reads of the customers' menu: news, what they owe, and what this dialogue has done already. One statement each."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.db.models import Case, CharField, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import User
from loans.models import CollectionRequest, Loan
from loans.selectors import owed_loans
from loans.statuses import CollectionStatus, LoanStatus

# Loans that one screen's pages tell of. The limit and the time between two loans keep real customers far below it.
MOST_LOANS = 20


class PayoutStanding(StrEnum):
    """Where the payout of a loan stands, as a customer hears it."""

    UNDER_WAY = "under_way"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class LoanNews:
    """Where a loan's payout stands that the customer has not heard of since it changed."""

    loan_id: UUID
    standing: PayoutStanding
    disbursed_amount: Decimal
    amount: Decimal
    currency: str
    due_date: date
    at: datetime


@dataclass(frozen=True)
class RepaymentNews:
    """A request to pay that ended since the customer last heard; `outstanding` is what the loan still is."""

    collection_id: UUID
    status: CollectionStatus
    amount: Decimal
    outstanding: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True)
class Debt:
    """The loan that is repaid next. `requested` is what the customer is being asked to pay already; None: nothing.

    `is_from_here`: the dialogue that looks made that request.
    """

    loan: Loan
    requested: Decimal | None
    is_from_here: bool


@dataclass(frozen=True)
class Dialogue:
    """Who dials, and whether they have taken a loan in this dialogue already."""

    network: str
    has_loan: bool


def loans_standing(standing: PayoutStanding) -> Q:
    """Loans whose payout stands so. Nothing of one that is being repaid is news."""
    return {
        PayoutStanding.UNDER_WAY: Q(status=LoanStatus.APPROVED, error_code=""),
        PayoutStanding.FAILED: Q(status=LoanStatus.APPROVED) & ~Q(error_code=""),
        PayoutStanding.PAID: Q(status=LoanStatus.DISBURSED),
        PayoutStanding.CANCELLED: Q(status=LoanStatus.CANCELLED),
    }[standing]


def unheard_loan() -> Subquery:
    """For a query over customers: their latest loan whose payout's outcome they have not heard, as JSON."""
    standing = Case(
        *(When(loans_standing(standing), then=Value(str(standing))) for standing in PayoutStanding),
        output_field=CharField(),
    )
    latest = (
        Loan.objects.filter(customer=OuterRef("pk"), announced_at__isnull=True)
        .annotate(standing=standing)
        .filter(standing__isnull=False)
        .order_by("-created_at")
    )
    return Subquery(
        latest.values(
            news=JSONObject(
                id="id",
                standing="standing",
                # As text: a JSON number would come back as a float.
                disbursed_amount=Cast("disbursed_amount", CharField()),
                amount=Cast("amount", CharField()),
                currency="currency",
                due_date="due_date",
                at=Coalesce("disbursed_at", "created_at"),
            )
        )[:1]
    )


def read_loan_news(found: dict[str, str]) -> LoanNews:
    """What `unheard_loan` found."""
    due_date, at = parse_date(found["due_date"]), parse_datetime(found["at"])
    assert due_date is not None and at is not None
    return LoanNews(
        loan_id=UUID(found["id"]),
        standing=PayoutStanding(found["standing"]),
        disbursed_amount=Decimal(found["disbursed_amount"]),
        amount=Decimal(found["amount"]),
        currency=found["currency"],
        due_date=due_date,
        at=at,
    )


def unheard_collection() -> Subquery:
    """For a query over customers: their latest request to pay that ended and whose end they have not heard, as JSON."""
    ended = CollectionRequest.objects.filter(
        customer=OuterRef("pk"),
        announced_at__isnull=True,
        status__in=[CollectionStatus.COMPLETED, CollectionStatus.FAILED],
    ).order_by("-created_at")
    return Subquery(
        ended.values(
            news=JSONObject(
                id="id",
                status="status",
                amount=Cast("amount", CharField()),
                outstanding=Cast("loan__outstanding", CharField()),
                currency="currency",
                at=Coalesce("finished_at", "created_at"),
            )
        )[:1]
    )


def read_repayment_news(found: dict[str, str]) -> RepaymentNews:
    """What `unheard_collection` found."""
    at = parse_datetime(found["at"])
    assert at is not None
    return RepaymentNews(
        collection_id=UUID(found["id"]),
        status=CollectionStatus(found["status"]),
        amount=Decimal(found["amount"]),
        outstanding=Decimal(found["outstanding"]),
        currency=found["currency"],
        at=at,
    )


def look_at_dialogue(customer_id: UUID, *, session_id: str, since: datetime) -> Dialogue:
    """What the customer did in this dialogue. `since`: gateways use session ids again."""
    taken = Loan.objects.filter(customer=OuterRef("pk"), session_id=session_id, created_at__gte=since)
    network, has_loan = (
        User.objects.filter(pk=customer_id)
        .annotate(taken=Exists(taken.exclude(status__in=LoanStatus.DEAD)))
        .values_list("network", "taken")
        .get()
    )
    return Dialogue(network, has_loan)


def loans_to_show(customer_id: UUID) -> list[Loan]:
    """Every loan the customer owes, oldest due first, then those under way; without any, the latest of all."""
    owed, live = Q(status__in=LoanStatus.OWED), Q(status__in=LoanStatus.OUTSTANDING)
    rank = Case(When(owed, then=0), When(live, then=1), default=2, output_field=IntegerField())
    found: list[Loan] = list(
        Loan.objects.filter(customer_id=customer_id)
        .annotate(rank=rank)
        .order_by("rank", Case(When(owed, then=F("due_date"))), "-created_at", "-pk")[:MOST_LOANS]
    )
    return [loan for loan in found if loan.status in LoanStatus.OUTSTANDING] or found[:1]


def debt_of(customer_id: UUID, *, key_prefix: str, since: datetime) -> Debt | None:
    """What the customer repays next, and whether they are being asked for money already.

    A request that this dialogue made, one whose key begins so, counts also when it has ended, and whatever loan it was
    for: who repeats a turn hears the same again and is asked for nothing. `since`: gateways use session ids again.
    """
    here = CollectionRequest.objects.filter(
        customer_id=customer_id, key__startswith=key_prefix, created_at__gte=since
    ).order_by("-created_at")
    asked = CollectionRequest.objects.filter(loan=OuterRef("pk"), status__in=CollectionStatus.OPEN)
    loan = (
        owed_loans(customer_id)
        .annotate(here=Subquery(here.values("amount")[:1]), asked=Subquery(asked.values("amount")[:1]))
        .first()
    )
    if loan is None:
        return None
    return Debt(loan, requested=loan.asked if loan.here is None else loan.here, is_from_here=loan.here is not None)
