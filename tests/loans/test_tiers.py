"""A table of tiers: every value has exactly one, and what is wrong is said in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.tiers import AmountPoints, TimingPoints, find_disorder, find_tier


def table(*ranges: tuple[int, int | None]) -> list[TimingPoints]:
    return [TimingPoints(days_from=low, days_to=high, points=0) for low, high in ranges]


@pytest.mark.parametrize(
    ("tiers", "limits", "said"),
    [
        (table((0, 9), (10, None)), {"first": 0}, ""),
        (table((0, 9), (10, 20)), {"first": 0, "last": 20}, ""),
        (table((0, 9), (10, 25)), {"first": 0, "last": 20}, ""),
        (table((0, None)), {"first": 0, "last": 20}, ""),
        (table((5, None)), {}, ""),
        ([], {}, "There must be at least one tier."),
        (table((1, None)), {"first": 0}, "The first tier must begin at 0."),
        (table((0, 9), (11, None)), {}, "No tier has 10."),
        (table((0, 9), (9, None)), {}, "The tiers overlap at 9."),
        (table((10, 20), (0, 9)), {"last": 20}, "The tiers overlap at 0."),
        (table((0, None), (10, None)), {}, "The tier from 0 has no end, but another follows."),
        (table((0, 9), (10, 5)), {"last": 5}, "The tier from 10 ends at 5, before it begins."),
        (table((0, 9)), {}, "The last tier must have no end."),
        (table((0, 9)), {"last": 10}, "The last tier must reach 10."),
    ],
)
def test_disorder_is_named(tiers: list[TimingPoints], limits: dict[str, int], said: str) -> None:
    assert find_disorder(tiers, **limits) == said


@given(cuts=st.sets(st.integers(1, 500), max_size=8), value=st.integers(0, 600))
def test_table_without_disorder_has_one_tier_for_every_value(cuts: set[int], value: int) -> None:
    lows = [0, *sorted(cuts)]
    tiers = [
        AmountPoints(amount_from=low, amount_to=high - 1 if high else None, points=0)
        for low, high in zip(lows, [*lows[1:], None], strict=True)
    ]
    assert find_disorder(tiers, first=0) == ""

    found = find_tier(tiers, value)

    assert found is not None
    assert [tier for tier in tiers if tier.low <= value and (tier.high is None or value <= tier.high)] == [found]


@pytest.mark.parametrize(("value", "name"), [(0, "0 to 9"), (9, "0 to 9"), (10, "10 and more"), (999, "10 and more")])
def test_tier_is_found_by_both_of_its_ends(value: int, name: str) -> None:
    found = find_tier(table((0, 9), (10, None)), value)
    assert found is not None
    assert found.name == name


def test_value_outside_has_no_tier() -> None:
    tiers = table((0, 9))
    assert find_tier(tiers, -1) is None
    assert find_tier(tiers, 10) is None
    assert find_tier([], 0) is None
