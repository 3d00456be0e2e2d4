"""Explanations as stored come out as sentences, also old ones of which parts are missing."""

from decimal import Decimal
from typing import Any

import pytest

from loans.configuration import CreditSettings, LoanSettings
from loans.eligibility import BorrowerFacts, decide_eligibility
from loans.explanations import explain_points, explain_terms
from loans.scoring import overdue_penalty


def explained(
    *, loans: int = 1, limit: str = "10000", versions: tuple[int, int] = (0, 0), **settings: Any
) -> list[str]:
    facts = BorrowerFacts(score=460, credit_limit=Decimal(limit), automatic_limit=False, total_loans=loans)
    terms = LoanSettings().model_copy(update=settings)
    found = decide_eligibility(
        facts, CreditSettings(), terms, versions=dict(zip(("credit", "loans"), versions, strict=True))
    )
    return explain_terms(found.explanation)


def test_later_loan_of_a_limited_customer() -> None:
    assert explained(limit="12000.50", max_repayment_days=21, versions=(3, 0)) == [
        "Credit score 460.",
        "Amount: NGN 20,000, by the tier for scores from 450 to 549. The credit limit lowers it to NGN 12,000.50. "
        "Rounded down to whole units: NGN 12,000.",
        "Interest: 10 %, by the tier for scores from 300 to 549.",
        "Time to repay: 30 days, by the tier for scores from 300 to 649. The highest allowed lowers it to 21 days.",
        "Settings: Credit scores and limits version 3, Loans as delivered.",
    ]


def test_first_loan_without_tiers_for_its_terms() -> None:
    found = explained(
        loans=0,
        interest_rate_tiers=(),
        repayment_period_tiers=(),
        min_interest_rate=Decimal("12.50"),
        default_repayment_days=1,
        min_repayment_days=1,
    )
    assert found[1:4] == [
        "Amount: NGN 10,000, as for everybody's first loan.",
        "Interest: 10 %, since no tier has this score. The lowest allowed raises it to 12.5 %.",
        "Time to repay: 1 day, since no tier has this score.",
    ]


def test_lateness_names_every_tier_that_was_entered() -> None:
    penalty = overdue_penalty(9, CreditSettings())
    assert penalty is not None
    assert explain_points(penalty.explanation) == [
        "Overdue 9 days, the tier 1 to 7: -10 points.",
        "Overdue 9 days, the tier 8 to 30: -25 points.",
    ]


def test_repayment_in_full_on_the_day_without_a_tier() -> None:
    explanation = {
        "amount": {"repaid": "1250.50", "tier": "1000 to 4999", "points": 1},
        "timing": {"days_after_due": 0, "tier": "", "points": 0},
        "points": 1,
    }
    assert explain_points(explanation) == [
        "Repaid 1,250.5 of the loan, the tier 1000 to 4999: +1 point.",
        "Repaid in full on the due date, no tier: no points.",
        "In all +1 point for this loan.",
    ]


@pytest.mark.parametrize(
    ("explanation", "sentences"),
    [
        ({}, []),
        ({"score": 5}, ["Credit score 5."]),
        ({"amount": None, "versions": None}, []),
        (
            {"amount": {"from": "tier", "tier": "0 to 9", "before_caps": "100"}, "currency": "OLD"},
            ["Amount: 100, by the tier for scores from 0 to 9."],
        ),
        ({"versions": {"gone": 4}}, ["Settings: gone version 4."]),
    ],
)
def test_what_is_missing_or_gone_is_passed_over(explanation: dict[str, Any], sentences: list[str]) -> None:
    assert explain_terms(explanation) == sentences
    assert explain_points({}) == []
