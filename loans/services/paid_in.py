"""Money customers send us unasked: a partner's notice is stored first, then booked to a loan, or waits for a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from ledger.inserts import insert_once
from loans.locks import lock_notice, lock_profile
from loans.models import Loan, PaidInNotice, Repayment
from loans.refusals import LendingRefusal
from loans.selectors import find_repayment, loan_numbered, oldest_owed_loan_of_phone
from loans.services.repayments import InvalidRepayment, LoanNotOwed, RepaymentConflict, record_repayment
from loans.statuses import PaidInStatus, RepaymentChannel
from loans.tasks import match_notice as match_notice_task

# A notice that nobody looked at, because the nudge was lost, is taken up after so long.
UNSEEN_AFTER = timedelta(seconds=15)
SWEPT_AT_ONCE = 500

logger = structlog.get_logger(__name__)


class NoticeConflict(LendingRefusal):
    """The rail's reference came before with another payer, amount or account."""

    code = "NOTICE_CONFLICT"


class NotMatchable(LendingRefusal):
    """The notice is booked already, or dismissed, or no reason was given."""

    code = "NOT_MATCHABLE"


@dataclass(frozen=True)
class NoticeResult:
    """The notice as stored; `is_new` is False for a repeat, which changed nothing."""

    notice: PaidInNotice
    is_new: bool


def store_notice(
    *,
    rail: str,
    reference: str,
    phone: str,
    amount: Decimal,
    currency: str,
    loan_number: str,
    partner: str,
    paid_at: datetime,
    at: datetime,
) -> NoticeResult:
    """Keep what a partner told us, once per (rail, reference), and have a worker look for the loan.

    Raises NoticeConflict when the reference came before with other content; the first stays as it is.
    """
    notice = PaidInNotice(
        rail=rail,
        reference=reference,
        phone=phone,
        amount=amount,
        currency=currency,
        loan_number=loan_number.upper(),
        partner=partner,
        paid_at=paid_at,
        received_at=at,
    )
    with transaction.atomic():
        if not insert_once(notice):
            return NoticeResult(_same(PaidInNotice.objects.get(rail=rail, reference=reference), notice), is_new=False)
        record(
            "paid_in.received",
            target=notice,
            after={"rail": rail, "reference": reference, "phone": phone, "amount": str(amount), "loan": loan_number},
            at=at,
        )
        # Robust: a broker that is away must not refuse the notice, whose row is safe; the sweep finds it.
        transaction.on_commit(lambda: match_notice_task.delay(notice_id=str(notice.pk)), robust=True)
    return NoticeResult(notice, is_new=True)


def match_notice(*, notice_id: UUID, at: datetime) -> PaidInStatus:
    """Book the money to the loan the payer named, else to what they owe that is due first; or say why a person must
    look. A loan that is named and unknown is not guessed. Safe to run twice.
    """
    notice = PaidInNotice.objects.get(pk=notice_id)
    if notice.looked_at is not None:
        return PaidInStatus(notice.status)
    booked = find_repayment(rail=notice.rail, reference=notice.reference)
    loan = booked.loan if booked else _loan_meant(notice)
    if loan is None:
        words = f"No loan {notice.loan_number}." if notice.loan_number else "The payer owes nothing."
        return _leave(notice_id, words, at=at)
    if booked and notice.phone != loan.phone and notice.loan_number != loan.number:
        return _leave(notice_id, f"The reference is booked to loan {loan.number} of another customer.", at=at)
    try:
        return _book(notice_id, loan, at=at, look_again=True)
    except (InvalidRepayment, LoanNotOwed, RepaymentConflict) as refusal:
        return _leave(notice_id, str(refusal), at=at)


def match_to_loan(*, notice_id: UUID, loan_id: UUID, matched_by: User, reason: str, at: datetime) -> PaidInNotice:
    """A person books the money to this loan, also when it had been dismissed. Again, on the same loan, changes nothing.

    Raises NotMatchable, and what `record_repayment` raises.
    """
    _require(reason)
    with acting(user_id=matched_by.pk, label=matched_by.get_username()):
        _book(notice_id, Loan.objects.get(pk=loan_id), at=at, matched_by=matched_by, reason=reason.strip())
    return PaidInNotice.objects.get(pk=notice_id)


def dismiss_notice(*, notice_id: UUID, dismissed_by: User, reason: str, at: datetime) -> PaidInNotice:
    """A person found that the money is no repayment. Again changes nothing. Raises NotMatchable."""
    _require(reason)
    with acting(user_id=dismissed_by.pk, label=dismissed_by.get_username()), transaction.atomic():
        notice = lock_notice(notice_id)
        if notice.status == PaidInStatus.DISMISSED:
            return notice
        if notice.status != PaidInStatus.UNMATCHED:
            raise NotMatchable("This money is booked to a loan. Take the repayment back instead.")
        _move(notice, PaidInStatus.DISMISSED, note=reason.strip(), at=at)
    return notice


def sweep_notices(*, at: datetime) -> int:
    """Look for the loans of notices that nobody looked at yet; how many. One that cannot be holds up no other."""
    unseen = PaidInNotice.objects.filter(looked_at__isnull=True, received_at__lte=at - UNSEEN_AFTER)
    found = list(unseen.order_by("received_at").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for notice_id in found:
        try:
            match_notice(notice_id=notice_id, at=at)
        except Exception:
            logger.exception("paid_in_not_matched", notice=str(notice_id))
    return len(found)


def _same(first: PaidInNotice, again: PaidInNotice) -> PaidInNotice:
    if _content(first) != _content(again):
        logger.warning("paid_in_conflict", rail=again.rail, reference=again.reference, partner=again.partner)
        raise NoticeConflict("This transaction was told before with another payer, amount, currency or account.")
    return first


def _content(notice: PaidInNotice) -> tuple[object, ...]:
    return notice.phone, notice.amount, notice.currency, notice.loan_number


def _loan_meant(notice: PaidInNotice) -> Loan | None:
    return loan_numbered(notice.loan_number) if notice.loan_number else oldest_owed_loan_of_phone(notice.phone)


def _book(
    notice_id: UUID,
    loan: Loan,
    *,
    at: datetime,
    matched_by: User | None = None,
    reason: str = "",
    look_again: bool = False,
) -> PaidInStatus:
    """Record the repayment and tie the notice to it, in one transaction.

    The profile's lock comes first: it is what `record_repayment` takes first.
    """
    with transaction.atomic():
        lock_profile(loan.customer_id)
        notice = lock_notice(notice_id)
        if look_again and notice.looked_at is not None:
            return PaidInStatus(notice.status)
        if notice.status == PaidInStatus.APPLIED:
            booked = notice.repayment
            if booked and booked.loan_id == loan.pk:
                return PaidInStatus.APPLIED
            raise NotMatchable(f"This money is booked to loan {booked.loan if booked else ''} already.")
        result = record_repayment(
            loan_id=loan.pk,
            amount=notice.amount,
            currency=notice.currency,
            rail=notice.rail,
            reference=notice.reference,
            channel=RepaymentChannel.PAID_IN,
            received_at=min(notice.paid_at, at),
            entered_by=matched_by,
            note=reason,
            at=at,
        )
        _move(notice, PaidInStatus.APPLIED, repayment=result.repayment, note=reason, at=at)
    return PaidInStatus.APPLIED


def _leave(notice_id: UUID, words: str, *, at: datetime) -> PaidInStatus:
    """It waits for a person, with the reason why."""
    with transaction.atomic():
        notice = lock_notice(notice_id)
        if notice.looked_at is None:
            notice.looked_at = at
            notice.note = words[:300]
            notice.save(update_fields=["looked_at", "note"])
            logger.warning("paid_in_unmatched", notice=str(notice.pk), reference=notice.reference)
    return PaidInStatus(notice.status)


def _move(
    notice: PaidInNotice, status: PaidInStatus, *, repayment: Repayment | None = None, note: str, at: datetime
) -> None:
    before = notice.status
    notice.status = status
    notice.repayment = repayment
    notice.note = note[:300]
    notice.looked_at = at
    notice.save(update_fields=["status", "repayment", "note", "looked_at"])
    record(
        "paid_in.matched" if repayment else "paid_in.dismissed",
        target=notice,
        before={"status": before},
        after={"status": notice.status, "loan": repayment.loan.number} if repayment else {"status": notice.status},
        reason=note,
        at=at,
    )


def _require(reason: str) -> None:
    if not reason.strip():
        raise NotMatchable("Say why: the reason is kept in the audit trail.")
