"""What repaying, lateness and write-off do to a score: worked examples, and what must hold whatever happens."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.configuration import CreditSettings
from loans.scoring import RepaidFacts, overdue_penalty, repayment_points, rescore, score_after, write_off_penalty

CREDIT = CreditSettings()
DUE = date(2026, 12, 20)


def repaid(amount: int | str, days_after_due: int | None = None) -> RepaidFacts:
    completed = None if days_after_due is None else DUE + timedelta(days=days_after_due)
    return RepaidFacts(amount_paid=Decimal(amount), due_date=DUE, completed_on=completed)


@pytest.mark.parametrize(
    ("facts", "points"),
    [
        # So far, by amount.
        (repaid(0), 0),
        (repaid("999.99"), 0),
        (repaid(1_000), 5),
        (repaid("4999.99"), 5),
        (repaid(5_000), 15),
        (repaid(20_000), 25),
        (repaid(10_000_000), 40),
        # In full, and when.
        (repaid(10_000, -3_000), 15 + 20),
        (repaid(10_000, -8), 15 + 20),
        (repaid(10_000, -7), 15 + 15),
        (repaid(10_000, 0), 15 + 15),
        (repaid(10_000, 1), 15 + 5),
        (repaid(10_000, 8), 15),
        (repaid(10_000, 31), 15 - 20),
        (repaid(10_000, 5_000), 15 - 20),
    ],
)
def test_points_of_a_loan(facts: RepaidFacts, points: int) -> None:
    assert repayment_points(facts, CREDIT).points == points


def test_points_are_explained() -> None:
    assert repayment_points(repaid(10_000, -2), CREDIT).explanation == {
        "amount": {"repaid": "10000", "tier": "5000 to 19999", "points": 15},
        "timing": {"days_after_due": -2, "tier": "-7 to 0", "points": 15},
        "points": 30,
    }


@pytest.mark.parametrize(
    ("score", "applied", "points", "expected"),
    [
        (300, 0, 15, (315, 15)),
        (315, 15, 30, (330, 30)),  # the second repayment completes the loan
        (330, 30, 15, (315, 15)),  # and is taken back
        (315, 15, 0, (300, 0)),  # as is the first
        (840, 0, 30, (850, 10)),  # the highest score cuts off
        (850, 10, 0, (840, 0)),
        (10, 0, -20, (0, -10)),
    ],
)
def test_points_take_the_place_of_those_before(
    score: int, applied: int, points: int, expected: tuple[int, int]
) -> None:
    found = rescore(score=score, points_applied=applied, points=points, credit=CREDIT)
    assert (found.score, found.points_applied) == expected


@given(score=st.integers(0, 850), acts=st.lists(st.integers(-100, 100), min_size=1, max_size=8))
def test_last_word_about_a_loan_decides_whatever_was_said_before(score: int, acts: list[int]) -> None:
    """Repayments booked and taken back in any order leave what the last state alone would have given."""
    now, applied = score, 0
    for points in acts:
        found = rescore(score=now, points_applied=applied, points=points, credit=CREDIT)
        now, applied = found.score, found.points_applied
        assert 0 <= now <= CREDIT.max_score

    assert now == score_after(score, acts[-1], CREDIT)
    rewound = rescore(score=now, points_applied=applied, points=0, credit=CREDIT)
    assert (rewound.score, rewound.points_applied) == (score, 0)


@given(
    parts=st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
    days=st.integers(-400, 400),
    score=st.integers(0, 850),
)
def test_many_repayments_earn_what_one_earns(parts: list[int], days: int, score: int) -> None:
    total, now, applied, paid = sum(parts), score, 0, 0
    for part in parts:
        paid += part
        points = repayment_points(repaid(paid, days if paid == total else None), CREDIT).points
        found = rescore(score=now, points_applied=applied, points=points, credit=CREDIT)
        now, applied = found.score, found.points_applied

    at_once = repayment_points(repaid(total, days), CREDIT).points
    assert now == score_after(score, at_once, CREDIT)


@pytest.mark.parametrize(
    ("days", "since", "points", "first_day"),
    [
        (1, 0, -10, 1),
        (7, 0, -10, 1),
        (8, 1, -25, 8),
        (8, 0, -35, 8),  # nobody looked for a week
        (90, 0, -85, 31),
        (90, 8, -50, 31),
    ],
)
def test_lateness_costs_each_tier_once(days: int, since: int, points: int, first_day: int) -> None:
    found = overdue_penalty(days, CREDIT, since=since)
    assert found is not None
    assert (found.points, found.first_day) == (points, first_day)
    assert found.explanation["points"] == sum(tier["points"] for tier in found.explanation["tiers"]) == points


@pytest.mark.parametrize(("days", "since"), [(0, 0), (-5, 0), (7, 1), (30, 8), (400, 31), (3, 8)])
def test_nothing_is_taken_where_no_tier_was_entered(days: int, since: int) -> None:
    assert overdue_penalty(days, CREDIT, since=since) is None


@given(looks=st.lists(st.integers(1, 200), min_size=1, max_size=10))
def test_lateness_costs_the_same_however_often_one_looks(looks: list[int]) -> None:
    total, since = 0, 0
    for day in sorted(looks):
        if found := overdue_penalty(day, CREDIT, since=since):
            total, since = total + found.points, found.first_day

    at_once = overdue_penalty(max(looks), CREDIT)
    assert at_once is not None
    assert total == at_once.points


def test_write_off_costs_what_the_settings_say() -> None:
    assert write_off_penalty(CREDIT).points == -150
    assert score_after(100, -150, CREDIT) == 0
