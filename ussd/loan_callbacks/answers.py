"""Words, codes and statuses of the two callbacks' answers: contract section 2, to the letter."""

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, JsonResponse

from ledger.money import wire_amount
from loans.answers import LoanView
from loans.eligibility import OfferTerms
from loans.services.offers import OfferResult
from loans.statuses import Refusal

OFFER, APPROVE = "loan-offer", "loan-approve"
UNAUTHORIZED, RATE_LIMITED = "UNAUTHORIZED", "RATE_LIMITED"
PROCESSING = "Your loan is being processed. You will be notified shortly."

# What a gateway shows. A pause is put in place of `{pause}`.
WORDS: dict[str, str] = {
    Refusal.INVALID_REQUEST: "Invalid request.",
    Refusal.USER_NOT_FOUND: "This is not a user.",
    Refusal.NO_ELIGIBLE_AMOUNT: "You are not eligible for a loan at this time.",
    Refusal.NO_OFFERS: "You are not eligible for a loan at this time.",
    Refusal.INVALID_SELECTION: "Invalid selection.",
    Refusal.CREDIT_LIMIT_EXCEEDED: "This amount is above your limit. Dial again to see new offers.",
    Refusal.COOLDOWN_ACTIVE: "You took a loan recently. Try again in {pause}.",
    Refusal.REQUEST_IN_PROGRESS: PROCESSING,
    Refusal.SERVICE_UNAVAILABLE: "Service temporarily unavailable.",
    UNAUTHORIZED: "Service unavailable.",
    RATE_LIMITED: "Service busy. Please try again.",
}
# What a program reads, where that is not what the customer reads.
MESSAGES: dict[str, str] = {
    Refusal.USER_NOT_FOUND: "No user found for this phone number",
    Refusal.NO_ELIGIBLE_AMOUNT: "User not eligible for any amount",
    Refusal.NO_OFFERS: "No offers available",
    Refusal.INVALID_SELECTION: "Invalid loan selection",
    Refusal.REQUEST_IN_PROGRESS: "The same request is being processed",
}
JSON_STATUS: dict[str, int] = {
    Refusal.INVALID_REQUEST: 400,
    Refusal.USER_NOT_FOUND: 404,
    Refusal.NO_ELIGIBLE_AMOUNT: 422,
    Refusal.NO_OFFERS: 422,
    Refusal.INVALID_SELECTION: 422,
    Refusal.CREDIT_LIMIT_EXCEEDED: 422,
    Refusal.COOLDOWN_ACTIVE: 409,
    Refusal.REQUEST_IN_PROGRESS: 409,
    Refusal.SERVICE_UNAVAILABLE: 503,
    UNAUTHORIZED: 401,
    RATE_LIMITED: 429,
}
# A gateway shows an error of the network's for every other status.
TEXT_STATUS = {UNAUTHORIZED: 401, RATE_LIMITED: 429}
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def write_refusal(
    code: str, *, kind: str, as_json: bool, message: str = "", pause: timedelta | None = None
) -> HttpResponse:
    """Why there is no offer or loan. `message` is for programs, in place of the usual one."""
    words = _words(code, kind).format(pause=name_pause(pause or timedelta()))
    if not as_json:
        return _text(f"END {words}", status=TEXT_STATUS.get(code, 200))
    body = {"status": "error", "type": kind, "code": code, "message": message or _message(code, kind) or words}
    return JsonResponse(body, status=JSON_STATUS[code])


def write_offers(result: OfferResult, *, as_json: bool) -> HttpResponse:
    """The offers, as a menu or with all their terms."""
    if not as_json:
        choices = [f"{terms.option}. {terms.amount:,f}" for terms in result.terms]
        return _text("\n".join(["CON You qualify for:", *choices, f"Select option (1-{len(choices)}):"]))
    return JsonResponse(
        {
            "status": "success",
            "type": OFFER,
            "sessionId": result.session_id,
            "msisdn": result.phone,
            "userId": str(result.customer_id),
            "offers": [_offer(terms, result.currency) for terms in result.terms],
            "metadata": {
                "eligibleAmount": wire_amount(result.eligible_amount, result.currency),
                "network": result.network,
            },
        }
    )


def write_loan(loan: LoanView, *, session_id: str, phone: str, as_json: bool) -> HttpResponse:
    """The loan is on its way; the answer is always `processing`, to every repeat too."""
    if not as_json:
        return _text(f"END {PROCESSING}")
    return JsonResponse(
        {
            "status": "processing",
            "type": APPROVE,
            "sessionId": session_id,
            "msisdn": phone,
            "loan": {
                "id": str(loan.id),
                "loanId": loan.number,
                "userId": str(loan.customer_id),
                "amount": wire_amount(loan.amount, loan.currency),
                "status": loan.status,
            },
            "message": PROCESSING,
        }
    )


def name_pause(left: timedelta) -> str:
    """Time left, rounded up, in words: `45 minutes`, `2 hours`, `3 days`."""
    minutes, hours, days = (max(1, math.ceil(left / unit)) for unit in (_MINUTE, _HOUR, _DAY))
    if minutes < 60:
        return _count(minutes, "minute")
    return _count(hours, "hour") if hours <= 48 else _count(days, "day")


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _words(code: str, kind: str) -> str:
    if code == Refusal.USER_NOT_FOUND and kind == OFFER:
        return WORDS[Refusal.NO_ELIGIBLE_AMOUNT]
    return WORDS[code]


def _message(code: str, kind: str) -> str:
    # An approval names a missing user in the customer's words (spec 2).
    return "" if code == Refusal.USER_NOT_FOUND and kind == APPROVE else MESSAGES.get(code, "")


def _offer(terms: OfferTerms, currency: str) -> dict[str, Any]:
    return {
        "option": terms.option,
        "amount": wire_amount(terms.amount, currency),
        "currency": currency,
        "interestRate": _number(terms.rate),
        "repaymentPeriodDays": terms.days,
        "disbursedAmount": wire_amount(terms.disbursed_amount, currency),
        "amountDue": wire_amount(terms.amount, currency),
        "dueDate": terms.due_date.isoformat(),
    }


def _number(rate: Decimal) -> int | float:
    return int(rate) if rate == rate.to_integral_value() else float(rate)


def _text(words: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(words, content_type="text/plain; charset=utf-8", status=status)
