"""The stored explanations of offers, loans and score changes, in sentences for staff.

What is stored is plain data that stays for ever, so whatever part is missing is passed over.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from configuration.registry import UnknownCategory, category_by_slug
from ledger.money import UnknownCurrency, format_amount

Explanation = Mapping[str, Any]

_CAPS = {
    "credit_limit": "The credit limit lowers it to {}.",
    "whole_units": "Rounded down to whole units: {}.",
    "minimum": "The lowest allowed raises it to {}.",
    "maximum": "The highest allowed lowers it to {}.",
}


def explain_terms(explanation: Explanation) -> list[str]:
    """Why an offer or a loan has its amount, interest and time to repay (`loans.eligibility.decide_eligibility`)."""
    currency = str(explanation.get("currency", ""))
    found = [f"Credit score {explanation['score']}."] if "score" in explanation else []
    parts: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("amount", "Amount", lambda value: _money(value, currency)),
        ("rate", "Interest", lambda value: f"{_number(value)} %"),
        ("days", "Time to repay", _days),
    )
    for name, title, words in parts:
        if isinstance(part := explanation.get(name), Mapping):
            caps = [_CAPS[cap["cap"]].format(words(cap["value"])) for cap in part.get("caps", ())]
            found.append(" ".join([f"{title}: {_source(part, words(part.get('before_caps')))}.", *caps]))
    return found + explain_versions(explanation.get("versions") or {})


def explain_points(explanation: Explanation) -> list[str]:
    """Why a score changed (`loans.scoring`, `loans.services.credit`)."""
    found: list[str] = []
    if isinstance(amount := explanation.get("amount"), Mapping):
        tier = f"the tier {amount['tier']}" if amount.get("tier") else "no tier"
        found.append(f"Repaid {_number(amount.get('repaid', 0))} of the loan, {tier}: {_points(amount)}.")
    if isinstance(timing := explanation.get("timing"), Mapping):
        tier = f"the tier {timing['tier']}" if timing.get("tier") else "no tier"
        found.append(f"Repaid in full {_when(timing.get('days_after_due', 0))}, {tier}: {_points(timing)}.")
    for tier in explanation.get("tiers") or ():
        found.append(f"Overdue {_days(explanation.get('days_overdue', 0))}, the tier {tier['tier']}: {_points(tier)}.")
    if explanation.get("write_off"):
        found.append(f"Written off: {_points(explanation)}.")
    if isinstance(follows := explanation.get("automatic_limit"), Mapping) and follows["before"] != follows["after"]:
        found.append(
            "The limit follows the score from now on." if follows["after"] else "Staff set the limit from now on."
        )
    if amount and timing:
        found.append(f"In all {_points(explanation)} for this loan.")
    return found


def explain_versions(versions: Mapping[str, Any]) -> list[str]:
    """Which settings decided."""
    if not versions:
        return []
    named = ", ".join(f"{_title(slug)} {_version(version)}" for slug, version in sorted(versions.items()))
    return [f"Settings: {named}."]


def _source(part: Explanation, value: str) -> str:
    match part.get("from"):
        case "first_time":
            return f"{value}, as for everybody's first loan"
        case "tier":
            return f"{value}, by the tier for scores from {part.get('tier')}"
        case _:
            return f"{value}, since no tier has this score"


def _title(slug: str) -> str:
    try:
        return category_by_slug(slug).title
    except UnknownCategory:
        return slug


def _version(version: int) -> str:
    return f"version {version}" if version else "as delivered"


def _money(value: Any, currency: str) -> str:
    try:
        return format_amount(Decimal(str(value)), currency)
    except (UnknownCurrency, InvalidOperation):
        return _number(value)


def _number(value: Any) -> str:
    """`10.00` as `10`, `12345.50` as `12,345.5`."""
    try:
        number = Decimal(str(value)).normalize()
    except InvalidOperation:
        return str(value)
    return f"{number:,f}"


def _points(part: Explanation) -> str:
    points = part.get("points", 0)
    return f"{points:+d} point{'' if abs(points) == 1 else 's'}" if points else "no points"


def _when(days_after_due: int) -> str:
    if days_after_due == 0:
        return "on the due date"
    return f"{_days(abs(days_after_due))} {'after' if days_after_due > 0 else 'before'} the due date"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
