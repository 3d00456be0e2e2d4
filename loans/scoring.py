"""What repaying, paying late and not paying do to a credit score: pure functions over facts.

Points of repayments belong to a loan as a whole: they are a function of what was repaid and when the last of it came,
so that many small repayments earn what one large one earns, and taking a repayment back restores the score exactly
(spec 2, "Repayments and score updates").
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from loans.configuration import CreditSettings
from loans.tiers import AmountPoints, TimingPoints, find_tier


@dataclass(frozen=True)
class RepaidFacts:
    """What was repaid of a loan. `completed_on` is the country's day on which the last of it came; None: not yet."""

    amount_paid: Decimal
    due_date: date
    completed_on: date | None = None


@dataclass(frozen=True)
class Points:
    """Points, and plain data that says where they come from."""

    points: int
    explanation: dict[str, Any]


@dataclass(frozen=True)
class OverduePoints(Points):
    """Points for tiers of lateness that were entered; `first_day` is where the last of them begins."""

    first_day: int


@dataclass(frozen=True)
class Rescored:
    """A score with a loan's points in it, and how many of them counted."""

    score: int
    points_applied: int


def repayment_points(facts: RepaidFacts, credit: CreditSettings) -> Points:
    """What the loan's repayments so far are worth in all: by amount, and by timing once all is repaid."""
    tier = find_tier(credit.repaid_amount_points, int(facts.amount_paid)) if facts.amount_paid > 0 else None
    by_amount = _worth(tier)
    explanation: dict[str, Any] = {"amount": {"repaid": str(facts.amount_paid), **by_amount}}
    points: int = by_amount["points"]
    if facts.completed_on is not None:
        days = (facts.completed_on - facts.due_date).days
        by_timing = _worth(find_tier(credit.repaid_timing_points, days))
        explanation["timing"] = {"days_after_due": days, **by_timing}
        points += by_timing["points"]
    return Points(points, {**explanation, "points": points})


def rescore(*, score: int, points_applied: int, points: int, credit: CreditSettings) -> Rescored:
    """The score with the loan's points in place of those applied before, between 0 and the highest score.

    What the limits cut off is remembered in `points_applied`, so that score less points applied never changes: the
    same points give the same score, whatever happened in between.
    """
    base = score - points_applied
    after = score_after(base, points, credit)
    return Rescored(after, after - base)


def score_after(score: int, points: int, credit: CreditSettings) -> int:
    """The score with these points, between 0 and the highest score."""
    return max(0, min(score + points, credit.max_score))


def overdue_penalty(days: int, credit: CreditSettings, *, since: int = 0) -> OverduePoints | None:
    """Points for a loan `days` days overdue: of every tier entered after the day `since` (0: none entered yet).

    A tier that was passed through unseen counts too, so that a pause of the daily look costs nobody less. None when no
    tier was entered. Keep `first_day` as the next `since`.
    """
    entered = [tier for tier in credit.overdue_points if since < tier.low <= days]
    if not entered:
        return None
    points = sum(tier.points for tier in entered)
    explanation = {
        "days_overdue": days,
        "tiers": [{"tier": tier.name, "points": tier.points} for tier in entered],
        "points": points,
    }
    return OverduePoints(points, explanation, first_day=entered[-1].low)


def write_off_penalty(credit: CreditSettings) -> Points:
    """Points for a loan that is written off."""
    return Points(credit.write_off_points, {"write_off": True, "points": credit.write_off_points})


def _worth(tier: AmountPoints | TimingPoints | None) -> dict[str, Any]:
    return {"tier": tier.name, "points": tier.points} if tier else {"tier": "", "points": 0}
