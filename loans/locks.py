"""Every `select_for_update` of this app.

Order across tables: disbursement, then credit profile, then loan, then repayment, request or notice, then ledger
balances. NO KEY locks everywhere, so that rows which only point here (foreign keys) never wait.
"""

from datetime import date
from uuid import UUID

from django.db.models import Q

from loans.models import (
    CollectionRequest,
    CreditProfile,
    Loan,
    PaidInNotice,
    Repayment,
    RepaymentFile,
    RepaymentFileLine,
)
from loans.statuses import LoanStatus

_PROFILE_WITHIN = """
    SELECT *, set_config('lock_timeout', %s, true) AS lock_limit
      FROM "loans_credit_profile" WHERE customer_id = %s FOR NO KEY UPDATE
"""


def lock_profile(customer_id: UUID) -> CreditProfile:
    """The customer's credit profile: whoever changes one of their loans holds it. Raises CreditProfile.DoesNotExist."""
    return CreditProfile.objects.select_for_update(no_key=True, of=("self",)).get(pk=customer_id)


def lock_profile_within(customer_id: UUID, *, seconds: int) -> CreditProfile:
    """`lock_profile`, and from here on this transaction waits at most so long for any lock.

    The limit rides along in the same statement: PostgreSQL computes the columns before it locks the row, so the limit
    holds for this lock too. Raises CreditProfile.DoesNotExist.
    """
    # As text: every approval comes here, and composing it costs Django more than PostgreSQL needs to answer.
    for profile in CreditProfile.objects.raw(_PROFILE_WITHIN, [f"{seconds}s", customer_id]):
        return profile
    raise CreditProfile.DoesNotExist


def lock_loan(loan_id: UUID) -> Loan:
    """The loan; take the lock of its customer's profile first. Raises Loan.DoesNotExist."""
    return Loan.objects.select_for_update(no_key=True, of=("self",)).get(pk=loan_id)


def lock_owed_loans(customer_id: UUID) -> list[Loan]:
    """What the customer owes, oldest due first; take the lock of their profile first."""
    loans = Loan.objects.filter(customer_id=customer_id, status__in=LoanStatus.OWED)
    return list(loans.select_for_update(no_key=True, of=("self",)).order_by("due_date", "created_at", "pk"))


def lock_repayment(repayment_id: UUID) -> Repayment:
    """The repayment; take the locks of profile and loan first. Raises Repayment.DoesNotExist."""
    return Repayment.objects.select_for_update(no_key=True, of=("self",)).get(pk=repayment_id)


def lock_notice(notice_id: UUID) -> PaidInNotice:
    """The notice of money that came in. Raises PaidInNotice.DoesNotExist."""
    return PaidInNotice.objects.select_for_update(no_key=True, of=("self",)).get(pk=notice_id)


def lock_file(file_id: UUID) -> RepaymentFile:
    """The file of repayments. Raises RepaymentFile.DoesNotExist."""
    return RepaymentFile.objects.select_for_update(no_key=True, of=("self",)).get(pk=file_id)


def lock_loan_of(disbursement_id: UUID) -> Loan:
    """The loan this payout belongs to, its customer beside it, unlocked; take the locks of payout and profile first.

    Raises Loan.DoesNotExist.
    """
    loans = Loan.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    return loans.get(disbursement_id=disbursement_id)


def lock_line(line_id: int) -> RepaymentFileLine:
    """One line of a file of repayments. Raises RepaymentFileLine.DoesNotExist."""
    return RepaymentFileLine.objects.select_for_update(no_key=True, of=("self",)).get(pk=line_id)


def lock_loans_to_remind(*, due_date: date, today: date, most: int) -> list[Loan]:
    """Owed loans due that day that nobody else holds and that were not reminded today; customers beside them, unlocked.

    One being repaid at the moment is left for the next run.
    """
    loans = Loan.objects.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related("customer")
    not_today = Q(reminded_on__isnull=True) | Q(reminded_on__lt=today)
    return list(loans.filter(not_today, due_date=due_date, status__in=LoanStatus.OWED).order_by("pk")[:most])


def lock_collection(collection_id: UUID) -> CollectionRequest:
    """The request to pay, its loan and customer beside it, unlocked; take the locks of profile and loan first, if they
    change too. Raises CollectionRequest.DoesNotExist.
    """
    collections = CollectionRequest.objects.select_for_update(no_key=True, of=("self",))
    return collections.select_related("loan", "customer").get(pk=collection_id)
