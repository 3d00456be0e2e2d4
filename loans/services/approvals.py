"""Approving an offer: the loan, and with it its payout, once (spec 1, decision 3; contract section 2).

Four layers keep it to once: the first answer in Redis, then in the database; the pause between two loans of a phone;
a lock in Redis; another look under the lock of the customer's credit profile. The unique columns are the last guard.
Only the last two are needed for the truth of it, so that all of it holds without Redis.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import IntegrityError, OperationalError, transaction

from audit.services import record
from configuration.selectors import SettingsUnknown
from disbursements.accounts import InvalidDisbursement
from disbursements.services.decisions import NotRetryable, retry_disbursement
from disbursements.services.requests import AmountOutOfRange
from ledger.inserts import insert_once
from loans.accounts import receivable_account
from loans.answers import ApprovalResult, LoanView
from loans.borrowers import find_borrower, is_served
from loans.eligibility import OfferTerms
from loans.first_answers import FirstAnswer, answer_key, ask_for_answer, lock_key
from loans.locks import lock_profile_within
from loans.models import CreditProfile, Loan
from loans.numbers import next_loan_number
from loans.services.approval_requests import ApprovalRequest, read_request
from loans.services.making import (
    PROFILE_FIELDS,
    CreditLimitExceeded,
    NewLoan,
    build_loan,
    check_limit,
    count_approved,
    count_promised,
    request_payout,
)
from loans.sessions import read_session
from loans.settings_in_force import lending_settings
from loans.statuses import LoanChannel, LoanStatus, Refusal

# Seconds a second request waits for the first one's answer, and a transaction for a lock.
PATIENCE = 3.0
LOCK_WAIT_SECONDS = 3
# Lock not granted in time, deadlock, serialization failure, statement cancelled: nothing was done, try again safely.
_PASSING = frozenset({"55P03", "40P01", "40001", "57014"})

logger = structlog.get_logger(__name__)


def approve_offer(
    *,
    phone: str,
    session_id: str,
    option: int | None,
    amount: Decimal | None,
    network: str,
    partner: str,
    at: datetime,
    payout: Decimal | None = None,
    patience: float = PATIENCE,
) -> ApprovalResult:
    """Make the loan that was selected: loan, payout request, limit and totals, audit events, all or nothing.

    `option` counts before `amount`. `payout`, if given, is what the customer was shown that they get: an offer with the
    same amount and another payout is not the one they agreed to. A repeat gets the first loan's answer and makes
    nothing; if that loan's payout had failed for good, it is set going again. At most 14 statements, one short
    transaction. Must not be called inside a transaction. Waits up to `patience` seconds for another request that is
    answering the same. Raises database errors that leave it open whether the loan was stored.
    """
    try:
        settings = lending_settings()
        look = read_session(phone)
        borrower = find_borrower(phone)
        if borrower is None:
            return ApprovalResult(refusal=Refusal.USER_NOT_FOUND)
        if not is_served(borrower.customer, phone, settings.loans):
            return ApprovalResult(refusal=Refusal.NO_ELIGIBLE_AMOUNT)
        request = read_request(
            borrower,
            look.session,
            settings,
            phone=phone,
            session_id=session_id,
            option=option,
            amount=amount,
            network=network,
            partner=partner,
            payout=payout,
            at=at,
        )
        return _answer_once(request, patience=patience if look.redis_works else None)
    except (SettingsUnknown, AmountOutOfRange, InvalidDisbursement) as error:
        # Staff changed limits or currency of payouts meanwhile, or nobody can say what they are.
        logger.error("loan_not_payable", error=str(error))
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _PASSING:
            raise
        logger.warning("loan_approve_later", error=str(error))
    return ApprovalResult(refusal=Refusal.SERVICE_UNAVAILABLE)


def _answer_once(request: ApprovalRequest, *, patience: float | None) -> ApprovalResult:
    """The first answer again, or one of our own while nobody else gives one. `patience` None: Redis is away."""
    chosen = request.chosen
    if chosen is None or patience is None:
        return _approve(request, chosen)
    profile = request.borrower.profile
    instance = request.instance_after(profile.last_loan_at if profile else None)
    first = ask_for_answer(
        key=answer_key(customer_id=request.customer_id, instance=instance, amount=chosen.amount),
        lock=lock_key(customer_id=request.customer_id, instance=instance),
        patience=patience,
    )
    if first.answer is not None:
        return ApprovalResult(loan=LoanView.from_json(first.answer), is_repeat=True)
    if first.word == "busy":
        # Whoever holds the session may have died, or lost Redis, after making the loan.
        return _look(request, instance) or ApprovalResult(refusal=Refusal.REQUEST_IN_PROGRESS)
    return _approve_and_keep(request, chosen, first)


def _approve_and_keep(request: ApprovalRequest, chosen: OfferTerms, first: FirstAnswer) -> ApprovalResult:
    try:
        result = _approve(request, chosen)
        if result.loan and not result.is_repeat:
            first.keep(result.loan.as_json(), seconds=request.rules.session_seconds)
        return result
    finally:
        first.release()


def _approve(request: ApprovalRequest, chosen: OfferTerms | None) -> ApprovalResult:
    if early := _look_early(request):
        return early
    if chosen is None or request.refusal:
        return ApprovalResult(refusal=request.refusal or Refusal.INVALID_SELECTION)
    number = next_loan_number(channel=LoanChannel.USSD, at=request.at, zone=request.rules.zone)
    # Opened now, so that the transaction need not in a new process.
    receivable_account(request.rules.currency)
    for tries_left in (2, 1, 0):
        try:
            verdict = _decide(request, chosen, number)
            break
        except IntegrityError as error:
            # Somebody made the loan beside the lock: the unique columns held, and looking again tells which.
            logger.warning("loan_race", error=str(error))
            if not tries_left:
                raise
    return _finish(request, verdict)


@dataclass(frozen=True)
class _Verdict:
    result: ApprovalResult
    # The first loan, when its payout has failed for good.
    to_retry: Loan | None = None


def _look_early(request: ApprovalRequest) -> ApprovalResult | None:
    """What the loans of lately say, without any lock. Nothing is asked when there cannot be any."""
    profile = request.borrower.profile
    last = profile.last_loan_at if profile else None
    if last is None or request.at - last >= request.longest_pause:
        return None
    return _look(request, request.instance_after(last))


def _look(request: ApprovalRequest, instance: str) -> ApprovalResult | None:
    verdict = _judge(request, request.find_loans(instance))
    return _finish(request, verdict) if verdict else None


def _decide(request: ApprovalRequest, chosen: OfferTerms, number: str) -> _Verdict:
    """Lock, look again, write, record: profile first, then loan; the payout's worker is told after the commit."""
    with transaction.atomic(durable=True):
        profile = _lock_profile(request)
        instance = request.instance_after(profile.last_loan_at)
        loans = request.find_loans(instance)
        verdict = _judge(request, loans) or _check_limit(request, profile, chosen)
        if verdict:
            # A newcomer's profile stays unwritten too.
            transaction.set_rollback(True)
            return verdict
        dead = sum((loan.customer_id, loan.session_instance) == (request.customer_id, instance) for loan in loans)
        key = answer_key(customer_id=request.customer_id, instance=instance, amount=chosen.amount)
        return _Verdict(
            _make(request, profile, chosen, number=number, instance=instance, key=f"{key}:{dead}" if dead else key)
        )


def _check_limit(request: ApprovalRequest, profile: CreditProfile, chosen: OfferTerms) -> _Verdict | None:
    try:
        check_limit(profile, chosen.amount, settings=request.settings)
    except CreditLimitExceeded:
        return _Verdict(ApprovalResult(refusal=Refusal.CREDIT_LIMIT_EXCEEDED))
    return None


def _lock_profile(request: ApprovalRequest) -> CreditProfile:
    if request.borrower.profile is None:
        credit = request.settings.credit
        fresh = CreditProfile(
            customer=request.borrower.customer,
            score=credit.starting_score,
            credit_limit=credit.starting_limit,
            created_at=request.at,
        )
        # Nobody else sees it before we commit, and whoever wants to add it waits for us.
        if insert_once(fresh):
            return fresh
    return lock_profile_within(request.customer_id, seconds=LOCK_WAIT_SECONDS)


def _judge(request: ApprovalRequest, loans: list[Loan]) -> _Verdict | None:
    """What the loans in question say: a repeat of the first, another amount in its session, too soon; None: go on."""
    alive = [loan for loan in loans if loan.status not in LoanStatus.DEAD]
    first = next((loan for loan in alive if request.is_of_this_session(loan)), None)
    if first is not None:
        if not request.selects(first.explanation.get("option", 0), first.amount):
            return _Verdict(ApprovalResult(refusal=Refusal.INVALID_SELECTION))
        return _answer_again(first)
    left = max((loan.created_at + request.rules.cooldown - request.at for loan in alive), default=timedelta())
    if left > timedelta():
        # Late or repeated by the gateway: never told that they took a loan too recently, which is this one.
        if repeated := next((loan for loan in alive if request.repeats(loan)), None):
            return _answer_again(repeated)
        return _Verdict(ApprovalResult(refusal=Refusal.COOLDOWN_ACTIVE, retry_after=left))
    return None


def _answer_again(first: Loan) -> _Verdict:
    has_failed = first.status == LoanStatus.APPROVED and bool(first.error_code)
    repeat = ApprovalResult(loan=LoanView.of(first), is_repeat=True)
    return _Verdict(repeat, to_retry=first if has_failed else None)


def _make(
    request: ApprovalRequest, profile: CreditProfile, chosen: OfferTerms, *, number: str, instance: str, key: str
) -> ApprovalResult:
    customer, at = request.borrower.customer, request.at
    new = NewLoan(
        customer=customer,
        phone=request.phone,
        currency=request.rules.currency,
        terms=chosen,
        channel=LoanChannel.USSD,
        number=number,
        idempotency_key=key,
        network=request.network,
        partner=request.partner,
        session_id=request.session_id,
        session_instance=instance,
        offer=request.offer,
        # A repeat without the session is judged by what was shown then.
        explanation={**request.explanation, "option": chosen.option},
    )
    loan = build_loan(new, status=LoanStatus.APPROVED, settings=request.settings, at=at)
    loan.disbursement = request_payout(loan=loan, customer=customer, at=at)
    loan.save(force_insert=True)
    count_promised(profile, loan)
    count_approved(profile, at=at)
    profile.save(update_fields=PROFILE_FIELDS)
    record(
        "loan.approved",
        target=loan,
        after={
            "number": loan.number,
            "status": loan.status,
            "amount": str(loan.amount),
            "disbursed_amount": str(loan.disbursed_amount),
            "currency": loan.currency,
            "due_date": loan.due_date.isoformat(),
            "phone": loan.phone,
            "partner": loan.partner,
            "session": loan.session_id,
            "disbursement": str(loan.disbursement_id),
        },
        at=at,
    )
    return ApprovalResult(loan=LoanView.of(loan))


def _finish(request: ApprovalRequest, verdict: _Verdict) -> ApprovalResult:
    """The answer; a payout that had failed for good is set going again first, in the customer's name."""
    if verdict.to_retry is not None:
        assert verdict.to_retry.disbursement_id is not None
        try:
            retry_disbursement(
                disbursement_id=verdict.to_retry.disbursement_id,
                requested_by=request.borrower.customer,
                reason="The customer approved the loan again",
                at=request.at,
            )
        except NotRetryable as refusal:
            # Something may have been paid, or it is no longer failed: people see to it.
            logger.warning("loan_payout_not_retried", loan=verdict.to_retry.number, error=str(refusal))
    return verdict.result
