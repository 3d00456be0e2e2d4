"""Redeeming a code: the one act this app exists for (spec 5, section 3; contract section 4)."""

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, OperationalError, transaction

from accounts.models import User
from audit.services import record
from configuration.selectors import SettingsUnknown, current_or_raise
from disbursements.services.requests import (
    AmountOutOfRange,
    CurrencyNotPaid,
    DisbursementConflict,
    request_disbursement,
)
from promos import throttles
from promos.codes import read_code
from promos.configuration import PromoRules
from promos.locks import lock_code, lock_customer
from promos.models import PromoCode, Redemption
from promos.services.attempts import record_attempt, record_block, refuse_by_floor
from promos.services.budgets import SlicesBusy, take_from_budget, take_from_whole_budget
from promos.services.limits import LimitReached, count_redemptions, find_limit
from promos.statuses import BatchStatus, CodeStatus, Outcome, Reason, RedemptionStatus
from promos.throttles import Verdict

logger = structlog.get_logger(__name__)

PURPOSE = "promo"
LONGEST_KEY = 200
# Lock not granted in time, deadlock, serialization failure, statement cancelled: nothing was done, try again safely.
_PASSING = frozenset({"55P03", "40P01", "40001", "57014"})


@dataclass(frozen=True)
class RedemptionResult:
    """What the customer is told. Amount, currency, id and `status` are those of their own redemption, if there is one.

    ALREADY_USED with a `status` means: by this very customer, and so far stands the payout.
    """

    outcome: Outcome
    amount: Decimal | None = None
    currency: str = ""
    redemption_id: UUID | None = None
    status: RedemptionStatus | None = None
    said_before: bool = False
    reason: Reason = Reason.NONE
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class _Request:
    """One call of `redeem_code`, read and checked. `key` is the caller's key with the code."""

    customer_id: Any
    phone: str
    code: str
    key: str
    rules: PromoRules
    count_in_database: bool
    at: datetime
    whole_budget: bool = False


def redeem_code(*, customer_id: Any, phone: str, typed: str, idempotency_key: str, at: datetime) -> RedemptionResult:
    """Redeem what the customer typed, once: redemption, payout request, code `used`, audit event, all or nothing.

    `idempotency_key` names the caller's session or request. The same key with the same code
    gets the first outcome again, whatever has happened since. Whatever the customer does has an Outcome; codes that
    cannot be one cost no try, wrong ones do. At most 12 statements, one short transaction. Must not be called inside
    a transaction. Raises database errors that leave it open whether the redemption was stored.
    """
    try:
        rules = current_or_raise(PromoRules)
    except SettingsUnknown as error:
        logger.warning("redemption_try_later", error=str(error))
        return RedemptionResult(Outcome.TRY_LATER)
    code = read_code(typed, check_from=rules.check_character_from)
    if code is None:
        return RedemptionResult(Outcome.INVALID_FORMAT)
    attempt = throttles.begin_try(phone=phone, rules=rules, at=at)
    request = _Request(
        customer_id=customer_id,
        phone=phone,
        code=code,
        key=_make_key(idempotency_key, code),
        rules=rules,
        count_in_database=attempt.verdict == Verdict.UNKNOWN,
        at=at,
    )
    if attempt.verdict not in {Verdict.ALLOWED, Verdict.UNKNOWN}:
        return _refuse_try(request, attempt)
    try:
        result = _decide_or_try_later(request)
    except BaseException:
        throttles.give_back(attempt)
        raise
    if _burns(result):
        throttles.burn(attempt)
    else:
        throttles.give_back(attempt)
    return result


def _make_key(idempotency_key: str, code: str) -> str:
    """The caller's key and the code, as the unique column holds it; hashed when it would not fit."""
    key = f"{idempotency_key}:{code}"
    return key if len(key) <= LONGEST_KEY and key.isprintable() else hashlib.sha256(key.encode()).hexdigest()


def _refuse_try(request: _Request, attempt: throttles.Try) -> RedemptionResult:
    """Too many wrong codes; but who already redeemed this code in this session hears that again."""
    if first := _repeat(request):
        return first
    if attempt.verdict == Verdict.BLOCK_STARTED:
        record_block(phone=request.phone, rules=request.rules, at=request.at)
    return RedemptionResult(Outcome.TOO_MANY_ATTEMPTS, retry_after=attempt.retry_after)


def _decide_or_try_later(request: _Request) -> RedemptionResult:
    for tries_left in (2, 1, 0):
        try:
            return _decide(request)
        except SlicesBusy:
            # Nothing is held any more, so now it may wait for the whole budget.
            request = replace(request, whole_budget=True)
        except (IntegrityError, DisbursementConflict) as error:
            # Somebody redeemed the code beside the lock: the unique columns held, and looking again tells who.
            logger.warning("redemption_race", code_hint=request.code[:4], error=str(error))
            if not tries_left:
                raise
        except SettingsUnknown as error:
            logger.warning("redemption_try_later", code_hint=request.code[:4], error=str(error))
            break
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _PASSING:
                raise
            logger.warning("redemption_try_later", code_hint=request.code[:4], error=str(error))
            break
        except (AmountOutOfRange, CurrencyNotPaid) as error:
            # Staff changed the payout limits or currency after the code was made; it stays good until they look.
            logger.error("redemption_not_payable", code_hint=request.code[:4], error=str(error))
            break
    return RedemptionResult(Outcome.TRY_LATER)


def _decide(request: _Request) -> RedemptionResult:
    """Lock, look again, write, record: customer first, then code; the payout's worker is told after the commit."""
    with transaction.atomic(durable=True):
        customer = lock_customer(request.customer_id, wait_seconds=request.rules.lock_wait_seconds)
        if request.count_in_database and (
            wait := refuse_by_floor(phone=request.phone, rules=request.rules, at=request.at)
        ):
            return _repeat(request) or RedemptionResult(Outcome.TOO_MANY_ATTEMPTS, retry_after=wait)
        code = lock_code(request.code, **count_redemptions(customer=customer, rules=request.rules, at=request.at))
        result = _judge(request, customer, code)
        if result is None:
            assert code is not None
            return _accept(request, customer, code)
        if _burns(result):
            record_attempt(phone=request.phone, code=request.code, outcome=result.outcome, at=request.at)
        return result


def _judge(request: _Request, customer: User, code: PromoCode | None) -> RedemptionResult | None:
    """Why the code is not redeemed; None when it is good."""
    if code is None:
        return RedemptionResult(Outcome.NOT_FOUND)
    if code.status in {CodeStatus.USED, CodeStatus.REDEEMED}:
        return _repeat(request) or _already_used(customer, code)
    if not customer.is_active:
        return RedemptionResult(Outcome.BLOCKED, reason=Reason.CUSTOMER_INACTIVE)
    if code.status in {CodeStatus.BLOCKED, CodeStatus.REPORTED}:
        return RedemptionResult(Outcome.BLOCKED)
    expires_at = code.expires_at or code.batch.expiration_date
    if code.status == CodeStatus.EXPIRED or request.at >= expires_at + request.rules.grace:
        return RedemptionResult(Outcome.EXPIRED)
    if code.batch.status != BatchStatus.ACTIVE:
        return RedemptionResult(Outcome.BATCH_INACTIVE)
    if limit := find_limit(code, rules=request.rules, at=request.at):
        return _limited(limit)
    # Last, because it takes: nothing may refuse after it.
    take = take_from_whole_budget if request.whole_budget else take_from_budget
    if code.batch.budget is not None and not take(batch_id=code.batch_id, amount=code.amount):
        return _limited(LimitReached(Reason.BUDGET))
    return None


def _accept(request: _Request, customer: User, code: PromoCode) -> RedemptionResult:
    batch = code.batch
    disbursement = request_disbursement(
        purpose=PURPOSE,
        payee=request.phone,
        customer=customer,
        amount=code.amount,
        currency=batch.currency,
        # The code's own row: whatever happens above, a code is paid once.
        key=f"promo:code:{code.pk}",
        funded_from=batch.account,
        requested_by=code.maker,
        at=request.at,
    )
    redemption = Redemption(
        id=uuid.uuid4(),
        customer=customer,
        promo_code=code,
        batch=batch,
        disbursement=disbursement,
        phone=request.phone,
        amount=code.amount,
        currency=batch.currency,
        idempotency_key=request.key,
        created_at=request.at,
    )
    redemption.save(force_insert=True)
    before = code.status
    code.status = CodeStatus.USED
    code.used_at = request.at
    code.save(update_fields=["status", "used_at"])
    record(
        "promo.redemption.accepted",
        target=redemption,
        before={"code": code.pk, "code_status": before},
        after={
            "code": code.pk,
            "code_status": code.status,
            "status": redemption.status,
            "amount": str(redemption.amount),
            "currency": redemption.currency,
            "phone": request.phone,
            "batch": str(batch.pk),
            "disbursement": str(disbursement.pk),
        },
        at=request.at,
    )
    return _tell(redemption, Outcome.REDEEMED)


def _repeat(request: _Request) -> RedemptionResult | None:
    """The first outcome of this session and code, if this customer redeemed it then."""
    first = Redemption.objects.filter(idempotency_key=request.key, customer_id=request.customer_id).first()
    return _tell(first, Outcome.REDEEMED, said_before=True) if first else None


def _already_used(customer: User, code: PromoCode) -> RedemptionResult:
    own = Redemption.objects.filter(promo_code=code, customer=customer).first()
    return _tell(own, Outcome.ALREADY_USED) if own else RedemptionResult(Outcome.ALREADY_USED)


def _limited(limit: LimitReached) -> RedemptionResult:
    return RedemptionResult(Outcome.LIMIT_REACHED, reason=limit.reason, retry_after=limit.retry_after)


def _tell(redemption: Redemption, outcome: Outcome, *, said_before: bool = False) -> RedemptionResult:
    return RedemptionResult(
        outcome=outcome,
        amount=redemption.amount,
        currency=redemption.currency,
        redemption_id=redemption.pk,
        status=RedemptionStatus(redemption.status),
        said_before=said_before,
    )


def _burns(result: RedemptionResult) -> bool:
    """Whether the try counts as a guess. A customer asking again about their own code does not guess."""
    return result.outcome in Outcome.BURNING and result.redemption_id is None and not result.reason
