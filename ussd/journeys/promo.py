"""Redeeming a promo code (contract section 4, spec 5 section 3.1).

A mistyped code, one that cannot be a code, is asked for again in the same session; it was not looked up and burns no
try. Every other outcome ends the session.
"""

from collections.abc import Sequence
from datetime import timedelta

from ledger.money import format_amount
from promos.codes import LENGTH
from promos.services.redemptions import RedemptionResult, redeem_code
from promos.statuses import Outcome, Reason
from ussd.screens import Choice, Journey, Result, Screen, Step, go
from ussd.visits import Visit

# Reasons with words of their own; the customer's outcome is then OUTCOME:reason.
_LIMITS = {
    Reason.CUSTOMER_TOTAL: "promo.limit_total",
    Reason.CUSTOMER_BATCH: "promo.limit_total",
    Reason.CUSTOMER_DAY: "promo.limit_day",
    Reason.COOLDOWN: "promo.limit_cooldown",
    Reason.BUDGET: "promo.limit_budget",
}
USED_BY_YOU = f"{Outcome.ALREADY_USED}:own"


def redeem_typed_code(visit: Visit, typed: str) -> Result:
    """Redeem what was typed, once per session and code."""
    session = visit.session
    result = redeem_code(
        customer_id=visit.customer_id,
        phone=visit.phone,
        typed=typed,
        idempotency_key=f"ussd:{session.gateway}:{session.session_id}",
        at=visit.at,
    )
    return Result(_outcome(result), _facts(result, phone=visit.phone))


def count_code_parts(inputs: Sequence[str]) -> int:
    """How many of these inputs are one code: people type `*` between its groups, and gateways split there.

    Groups count as one code only when together they are exactly as long as one.
    """
    length = 0
    for count, part in enumerate(inputs, start=1):
        length += sum(character.isalnum() for character in part)
        if length >= LENGTH:
            return count if length == LENGTH else 1
    return 1


def _outcome(result: RedemptionResult) -> str:
    if result.outcome == Outcome.LIMIT_REACHED and result.reason in _LIMITS:
        return f"{result.outcome}:{result.reason}"
    if result.outcome == Outcome.ALREADY_USED and result.redemption_id is not None:
        return USED_BY_YOU
    return str(result.outcome)


def _facts(result: RedemptionResult, *, phone: str) -> dict[str, str]:
    facts = {"phone": phone}
    if result.amount is not None:
        facts["amount"] = format_amount(result.amount, result.currency)
    if result.retry_after is not None:
        facts["minutes"] = str(max(1, -(-result.retry_after // timedelta(minutes=1))))
    return facts


_ENDINGS = {
    Outcome.REDEEMED: "promo.redeemed",
    Outcome.NOT_FOUND: "promo.not_found",
    Outcome.ALREADY_USED: "promo.already_used",
    USED_BY_YOU: "promo.used_by_you",
    Outcome.EXPIRED: "promo.expired",
    Outcome.BLOCKED: "promo.blocked",
    Outcome.BATCH_INACTIVE: "promo.batch_inactive",
    Outcome.LIMIT_REACHED: "promo.limit_total",
    Outcome.TOO_MANY_ATTEMPTS: "promo.too_many",
    Outcome.TRY_LATER: "promo.try_later",
    **{f"{Outcome.LIMIT_REACHED}:{reason}": words for reason, words in _LIMITS.items()},
}
_REDEEM = Step({**_ENDINGS, Outcome.INVALID_FORMAT: "promo.again"}, act=redeem_typed_code)


def _asks(name: str, words: str, *, replaces: str = "") -> Screen:
    return Screen(
        name,
        words=words,
        replaces=replaces,
        asks=_REDEEM,
        secret=True,
        takes=count_code_parts,
        trouble="promo.trouble",
        unsure="promo.unsure",
    )


JOURNEY = Journey(
    name="promo",
    title="Redeem a promo code",
    start="promo.code",
    screens=(
        _asks("promo.code", "promo.prompt"),
        _asks("promo.again", "promo.again", replaces="promo.code"),
        *(Screen(words, words=words, ends=True) for words in sorted(set(_ENDINGS.values()))),
    ),
    in_menu=Choice("menu.redeem", go("promo.code")),
    menu_order=10,
)
