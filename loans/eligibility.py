"""What a customer may borrow, at which interest, for how long, and why: pure functions over facts.

The rules are spec 2's ("How scoring and limits work here"), the bands contract section 2's, the upfront interest spec
1's (decision 4). Nothing here reads the database, the settings in force or the clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from ledger.money import quantize
from loans.configuration import CreditSettings, LoanSettings
from loans.tiers import AmountTier, PeriodTier, RateTier, find_tier

# Parts of the eligible amount that are offered (contract section 2).
BAND_PARTS = (Decimal("0.50"), Decimal("0.75"), Decimal("1.00"))
ScoreTierT = TypeVar("ScoreTierT", AmountTier, RateTier, PeriodTier)


@dataclass(frozen=True)
class BorrowerFacts:
    """What decides about a customer. `credit_limit` is the limit in force, whoever sets it."""

    score: int
    credit_limit: Decimal
    automatic_limit: bool
    total_loans: int


@dataclass(frozen=True)
class Eligibility:
    """The most a customer may borrow now, in whole units, at `rate` per cent, to be repaid within `days` days.

    `explanation` is plain data that goes into JSON as it is: `loans.explanations` puts it into sentences.
    """

    amount: Decimal
    rate: Decimal
    days: int
    explanation: dict[str, Any]


@dataclass(frozen=True)
class OfferTerms:
    """One choice with its terms. The customer gets `disbursed_amount`, and repays `amount` by `due_date`."""

    option: int
    amount: Decimal
    interest: Decimal
    disbursed_amount: Decimal
    rate: Decimal
    days: int
    due_date: date


def decide_eligibility(
    facts: BorrowerFacts, credit: CreditSettings, loans: LoanSettings, *, versions: Mapping[str, int]
) -> Eligibility:
    """What the customer may borrow under these settings, whose versions go into the explanation.

    A score above the highest counts as the highest. The amount is 0 when nothing may be borrowed.
    """
    score = min(facts.score, credit.max_score)
    amount, about_amount = _eligible_amount(facts, score, credit)
    rate, about_rate = _interest_rate(score, loans)
    days, about_days = _repayment_days(score, loans)
    explanation = {
        "score": facts.score,
        "amount": about_amount,
        "rate": about_rate,
        "days": about_days,
        "currency": loans.currency,
        "versions": dict(versions),
    }
    return Eligibility(amount=amount, rate=rate, days=days, explanation=explanation)


def make_bands(eligibility: Eligibility, *, currency: str, today: date) -> tuple[OfferTerms, ...]:
    """Half, three quarters and all of the eligible amount, each rounded half up to a whole unit, numbered from 1.

    Equal amounts are offered once; one of which the customer would get nothing is left out. `today` is the country's.
    Raises UnknownCurrency.
    """
    amounts = [(eligibility.amount * part).quantize(Decimal(1), rounding=ROUND_HALF_UP) for part in BAND_PARTS]
    bands: list[OfferTerms] = []
    for amount in dict.fromkeys(amounts):
        band = terms_of(amount, eligibility.rate, eligibility.days, currency, today, option=len(bands) + 1)
        if band.disbursed_amount > 0:
            bands.append(band)
    return tuple(bands)


def terms_of(amount: Decimal, rate: Decimal, days: int, currency: str, today: date, option: int = 1) -> OfferTerms:
    """A loan of this amount, interest deducted upfront: 10,000 at 10 % pays out 9,000, and 10,000 is repaid.

    Interest is rounded half up to the currency's smallest unit. Raises UnknownCurrency.
    """
    interest = quantize(amount * rate / 100, currency)
    return OfferTerms(
        option=option,
        amount=amount,
        interest=interest,
        disbursed_amount=amount - interest,
        rate=rate,
        days=days,
        due_date=today + timedelta(days=days),
    )


def automatic_limit(score: int, credit: CreditSettings) -> Decimal:
    """The limit that follows the score: what a customer with this score may borrow."""
    tier = find_tier(credit.amount_tiers, min(score, credit.max_score))
    return tier.amount if tier else Decimal(0)


def limit_in_force(
    *, stored: Decimal, automatic: bool, score: int, total_loans: int, credit: CreditSettings
) -> Decimal:
    """The limit by which a loan is judged now.

    One set by staff is what they set. An automatic one follows the score under the settings in force, so that changed
    tiers reach customers at once; a customer without loans has the starting limit.
    """
    if not automatic:
        return stored
    return automatic_limit(score, credit) if total_loans else credit.starting_limit


def _eligible_amount(facts: BorrowerFacts, score: int, credit: CreditSettings) -> tuple[Decimal, dict[str, Any]]:
    about: dict[str, Any]
    if facts.total_loans == 0:
        amount, about = credit.first_time_amount, {"from": "first_time", "tier": ""}
    else:
        amount, about = _by_score(credit.amount_tiers, score, "amount", default=Decimal(0))
    about["before_caps"] = str(amount)
    caps = []
    if not facts.automatic_limit and facts.credit_limit < amount:
        amount = facts.credit_limit
        caps.append({"cap": "credit_limit", "value": str(amount)})
    # Offers are whole units; rounding the largest up would pass the limit.
    whole = amount.quantize(Decimal(1), rounding=ROUND_DOWN)
    if whole != amount:
        caps.append({"cap": "whole_units", "value": str(whole)})
    return whole, {**about, "caps": caps, "value": str(whole)}


def _interest_rate(score: int, loans: LoanSettings) -> tuple[Decimal, dict[str, Any]]:
    rate, about = _by_score(loans.interest_rate_tiers, score, "rate", default=loans.default_interest_rate)
    kept, caps = _clamp(rate, loans.min_interest_rate, loans.max_interest_rate)
    return kept, {**about, "before_caps": str(rate), "caps": caps, "value": str(kept)}


def _repayment_days(score: int, loans: LoanSettings) -> tuple[int, dict[str, Any]]:
    days, about = _by_score(loans.repayment_period_tiers, score, "days", default=loans.default_repayment_days)
    kept, caps = _clamp(days, loans.min_repayment_days, loans.max_repayment_days)
    return kept, {**about, "before_caps": days, "caps": caps, "value": kept}


def _by_score(tiers: Sequence[ScoreTierT], score: int, field: str, *, default: Any) -> tuple[Any, dict[str, Any]]:
    """The field of the score's tier, else the default; and which it was."""
    tier = find_tier(tiers, score)
    if tier is None:
        return default, {"from": "default", "tier": ""}
    return getattr(tier, field), {"from": "tier", "tier": tier.name}


def _clamp(value: Any, smallest: Any, largest: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The value within its limits, and which of them moved it. Of limits that contradict, the largest wins."""
    if value > largest or smallest > largest:
        return largest, [{"cap": "maximum", "value": _plain(largest)}]
    if value < smallest:
        return smallest, [{"cap": "minimum", "value": _plain(smallest)}]
    return value, []


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
