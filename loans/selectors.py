"""Reads of lending that join, count or annotate."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from loans.models import Loan, Repayment, RepaymentFile, RepaymentFileLine
from loans.statuses import LoanStatus, Rail, RepaymentStanding, RepaymentStatus


def owed_loans(customer_id: UUID) -> QuerySet[Loan]:
    """What the customer owes, in the order it is settled: oldest due first."""
    return Loan.objects.filter(customer_id=customer_id, status__in=LoanStatus.OWED).order_by(
        "due_date", "created_at", "pk"
    )


def oldest_owed_loan(customer_id: UUID) -> Loan | None:
    """The loan that money without a loan's number is for."""
    return owed_loans(customer_id).first()


def oldest_owed_loan_of_phone(phone: str) -> Loan | None:
    """The same for the customer with this number (E.164)."""
    return (
        Loan.objects.filter(customer__phone=phone, status__in=LoanStatus.OWED)
        .order_by("due_date", "created_at", "pk")
        .first()
    )


def loan_numbered(number: str) -> Loan | None:
    """The loan with this number, in any case."""
    return Loan.objects.filter(number=number.strip().upper()).first()


def find_repayment(*, rail: str, reference: str) -> Repayment | None:
    """The repayment booked under the rail's reference, its loan beside it; also one taken back."""
    return Repayment.objects.select_related("loan").filter(rail=rail, reference=reference).first()


def latest_use_of_overpaid(customer_id: UUID) -> Repayment | None:
    """The last repayment that was taken from what the customer had paid too much, and stands."""
    used = Repayment.objects.filter(customer_id=customer_id, rail=Rail.CREDIT, status=RepaymentStatus.COMPLETED)
    return used.order_by("-created_at", "-pk").first()


def paid_up_at(loan: Loan) -> datetime:
    """When the customer made the last payment that the loan needed, by their own clock and not by our booking of it.

    Not before the loan was paid out: money may have lain unmatched since an earlier day.
    """
    standing = Repayment.objects.filter(loan=loan, status=RepaymentStatus.COMPLETED, applied__gt=0)
    last = standing.aggregate(last=Max("received_at"))["last"]
    assert loan.disbursed_at is not None, "what was repaid was paid out"
    return max(last, loan.disbursed_at) if last else loan.disbursed_at


def standing_of(customer_id: UUID) -> RepaymentStanding:
    """How the customer stands over all that was paid out to them: COMPLETED when nothing is left unpaid; PARTIAL when
    something of it was repaid since the latest payout; PENDING when nothing was. Two statements at most.
    """
    paid_out = list(
        Loan.objects.filter(customer_id=customer_id, disbursed_at__isnull=False).values_list(
            "pk", "status", "disbursed_at"
        )
    )
    if not paid_out:
        return RepaymentStanding.NONE
    unpaid = [(pk, at) for pk, status, at in paid_out if status != LoanStatus.COMPLETED and at is not None]
    if not unpaid:
        return RepaymentStanding.COMPLETED
    since = Repayment.objects.filter(
        loan_id__in=[pk for pk, _at in unpaid],
        status=RepaymentStatus.COMPLETED,
        applied__gt=0,
        created_at__gte=max(at for _pk, at in unpaid),
    )
    return RepaymentStanding.PARTIAL if since.exists() else RepaymentStanding.PENDING


def loans_numbered(numbers: Collection[str]) -> dict[str, Loan]:
    """Loans by number; numbers without a loan are left out."""
    return {loan.number: loan for loan in Loan.objects.filter(number__in=set(numbers))}


def owed_loans_of_phones(phones: Collection[str]) -> dict[str, list[Loan]]:
    """What the customers with these numbers (E.164) owe, each oldest due first."""
    loans = Loan.objects.filter(customer__phone__in=set(phones), status__in=LoanStatus.OWED)
    found: dict[str, list[Loan]] = {}
    for loan in loans.select_related("customer").order_by("due_date", "created_at", "pk"):
        found.setdefault(loan.customer.phone or "", []).append(loan)
    return found


def repayments_with(references: Collection[tuple[str, str]]) -> dict[tuple[str, str], Repayment]:
    """Repayments booked under these (rail, reference), their loans beside them."""
    found: dict[tuple[str, str], Repayment] = {}
    for rail in {rail for rail, _reference in references}:
        wanted = [reference for of_rail, reference in references if of_rail == rail]
        for repayment in Repayment.objects.filter(rail=rail, reference__in=wanted).select_related("loan"):
            found[rail, repayment.reference] = repayment
    return found


def count_lines(file: RepaymentFile) -> dict[str, int]:
    """The file's lines by status."""
    counts = RepaymentFileLine.objects.filter(file=file).order_by().values_list("status")
    return dict(counts.annotate(number=Count("pk")))


def loan_of_key(idempotency_key: str) -> Loan | None:
    """The loan made under this key."""
    return Loan.objects.filter(idempotency_key=idempotency_key).first()


def newest_living_loan(phone: str) -> Loan | None:
    """The last loan made on this phone that was neither rejected nor cancelled: the pause counts from it."""
    living = Loan.objects.filter(phone=phone).exclude(status__in=LoanStatus.DEAD)
    return living.order_by("-created_at", "-pk").first()
