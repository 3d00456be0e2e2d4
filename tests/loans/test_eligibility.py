"""Eligible amount, interest, time to repay and bands, by worked examples and by properties (spec 2, contract 2)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import is_payable
from loans.configuration import CreditSettings, LoanSettings
from loans.eligibility import (
    BorrowerFacts,
    Eligibility,
    OfferTerms,
    automatic_limit,
    decide_eligibility,
    limit_in_force,
    make_bands,
    terms_of,
)
from loans.tiers import AmountTier, PeriodTier, RateTier

TODAY = date(2026, 11, 20)
VERSIONS = {"credit": 3, "loans": 5}


def borrower(score: int = 300, limit: int | str = 10_000, *, automatic: bool = True, loans: int = 1) -> BorrowerFacts:
    return BorrowerFacts(score=score, credit_limit=Decimal(limit), automatic_limit=automatic, total_loans=loans)


def decide(
    facts: BorrowerFacts, *, credit: dict[str, Any] | None = None, loans: dict[str, Any] | None = None
) -> Eligibility:
    return decide_eligibility(
        facts,
        CreditSettings().model_copy(update=credit or {}),
        LoanSettings().model_copy(update=loans or {}),
        versions=VERSIONS,
    )


@pytest.mark.parametrize(
    ("facts", "amount", "rate", "days"),
    [
        # The first loan: the same for everybody, at the terms of the score.
        (borrower(300, loans=0), 10_000, 10, 30),
        (borrower(820, loans=0), 10_000, 5, 45),
        # Later loans: by score, at both edges of tiers.
        (borrower(0), 5_000, 15, 14),
        (borrower(299), 5_000, 15, 14),
        (borrower(300), 10_000, 10, 30),
        (borrower(329), 10_000, 10, 30),
        (borrower(330), 15_000, 10, 30),
        (borrower(449), 15_000, 10, 30),
        (borrower(450), 20_000, 10, 30),
        (borrower(549), 20_000, 10, 30),
        (borrower(550), 35_000, 8, 30),
        (borrower(650), 60_000, 8, 45),
        (borrower(750), 100_000, 5, 45),
        (borrower(850), 100_000, 5, 45),
        # A score from before the highest was lowered counts as the highest.
        (borrower(2_000), 100_000, 5, 45),
        # The limit clamps only where staff set it.
        (borrower(650, 25_000, automatic=False), 25_000, 8, 45),
        (borrower(650, 25_000, automatic=True), 60_000, 8, 45),
        (borrower(650, 90_000, automatic=False), 60_000, 8, 45),
        (borrower(300, 4_000, automatic=False, loans=0), 4_000, 10, 30),
        (borrower(650, 0, automatic=False), 0, 8, 45),
        (borrower(650, "25000.99", automatic=False), 25_000, 8, 45),
        (borrower(650, "0.99", automatic=False), 0, 8, 45),
    ],
)
def test_worked_examples(facts: BorrowerFacts, amount: int, rate: int, days: int) -> None:
    found = decide(facts)
    assert (found.amount, found.rate, found.days) == (Decimal(amount), Decimal(rate), days)


@pytest.mark.parametrize(
    ("loans", "rate", "days", "caps"),
    [
        ({"interest_rate_tiers": (), "repayment_period_tiers": ()}, 10, 30, ([], [])),
        ({"min_interest_rate": Decimal(12)}, 12, 30, ([{"cap": "minimum", "value": "12"}], [])),
        ({"max_interest_rate": Decimal("7.5")}, Decimal("7.5"), 30, ([{"cap": "maximum", "value": "7.5"}], [])),
        ({"min_repayment_days": 40}, 10, 40, ([], [{"cap": "minimum", "value": 40}])),
        ({"max_repayment_days": 20}, 10, 20, ([], [{"cap": "maximum", "value": 20}])),
        # The default is held to the limits too.
        (
            {"interest_rate_tiers": (), "default_interest_rate": Decimal(50)},
            30,
            30,
            ([{"cap": "maximum", "value": "30"}], []),
        ),
    ],
)
def test_rate_and_period_keep_to_their_limits(
    loans: dict[str, Any], rate: Any, days: int, caps: tuple[list[Any], list[Any]]
) -> None:
    found = decide(borrower(300), loans=loans)

    assert (found.rate, found.days) == (rate, days)
    assert (found.explanation["rate"]["caps"], found.explanation["days"]["caps"]) == caps


def test_score_above_the_last_rate_tier_has_the_default() -> None:
    found = decide(
        borrower(700), loans={"interest_rate_tiers": (RateTier(score_from=0, score_to=699, rate=Decimal(3)),)}
    )
    assert found.rate == 10
    assert found.explanation["rate"]["from"] == "default"


def test_explanation_names_tiers_caps_and_versions() -> None:
    found = decide(borrower(460, "12000.50", automatic=False), loans={"max_repayment_days": 21})

    assert found.explanation == {
        "score": 460,
        "amount": {
            "from": "tier",
            "tier": "450 to 549",
            "before_caps": "20000",
            "caps": [{"cap": "credit_limit", "value": "12000.50"}, {"cap": "whole_units", "value": "12000"}],
            "value": "12000",
        },
        "rate": {"from": "tier", "tier": "300 to 549", "before_caps": "10", "caps": [], "value": "10"},
        "days": {
            "from": "tier",
            "tier": "300 to 649",
            "before_caps": 30,
            "caps": [{"cap": "maximum", "value": 21}],
            "value": 21,
        },
        "currency": "NGN",
        "versions": VERSIONS,
    }


def test_spec_example_of_upfront_interest() -> None:
    """Spec 1, decision 4: 10,000 at 10 % pays out 9,000, and 10,000 is repaid."""
    terms = terms_of(Decimal(10_000), Decimal(10), 30, "NGN", TODAY)

    assert terms == OfferTerms(
        option=1,
        amount=Decimal(10_000),
        interest=Decimal(1_000),
        disbursed_amount=Decimal(9_000),
        rate=Decimal(10),
        days=30,
        due_date=date(2026, 12, 20),
    )


@pytest.mark.parametrize(
    ("amount", "rate", "currency", "interest"),
    [
        (8_000, "5", "NGN", "400"),
        (3_333, "7.5", "NGN", "249.98"),  # 249.975
        (3_333, "7.5", "RWF", "250"),
        (1, "0.49", "NGN", "0"),
        (1, "0.50", "NGN", "0.01"),  # half up
        (5_000, "0", "NGN", "0"),
    ],
)
def test_interest_is_rounded_to_the_smallest_unit(amount: int, rate: str, currency: str, interest: str) -> None:
    terms = terms_of(Decimal(amount), Decimal(rate), 30, currency, TODAY)
    assert terms.interest == Decimal(interest)
    assert terms.disbursed_amount == amount - Decimal(interest)


@pytest.mark.parametrize(
    ("eligible", "amounts"),
    [
        (10_000, [5_000, 7_500, 10_000]),
        (12_345, [6_173, 9_259, 12_345]),  # 6172.5 and 9258.75, half up
        (3, [2, 3]),  # 1.5 and 2.25 are both 2
        (2, [1, 2]),  # 1, 1.5
        (1, [1]),  # 0.5 and 0.75 and 1
        (0, []),
    ],
)
def test_bands(eligible: int, amounts: list[int]) -> None:
    bands = make_bands(Eligibility(Decimal(eligible), Decimal(10), 30, {}), currency="NGN", today=TODAY)
    assert [band.amount for band in bands] == amounts
    assert [band.option for band in bands] == list(range(1, len(amounts) + 1))


def test_band_of_which_the_customer_gets_nothing_is_left_out() -> None:
    """1 franc at 60 %: interest rounds to the whole franc."""
    bands = make_bands(Eligibility(Decimal(2), Decimal(60), 30, {}), currency="RWF", today=TODAY)
    assert [(band.option, int(band.amount), int(band.disbursed_amount)) for band in bands] == [(1, 2, 1)]


def test_automatic_limit_follows_the_score_under_the_settings_in_force() -> None:
    credit = CreditSettings()

    def limit(score: int, *, automatic: bool = True, loans: int = 1) -> Decimal:
        return limit_in_force(stored=Decimal(1), automatic=automatic, score=score, total_loans=loans, credit=credit)

    assert automatic_limit(460, credit) == 20_000
    assert automatic_limit(9_999, credit) == 100_000
    assert limit(460) == 20_000
    assert limit(460, loans=0) == credit.starting_limit
    assert limit(460, automatic=False) == 1


# Properties


@st.composite
def settings_of_staff(draw: st.DrawFn) -> tuple[CreditSettings, LoanSettings]:
    """Any settings that the settings page would save."""
    top = draw(st.integers(1, 1_000))
    lows = [0, *sorted(draw(st.sets(st.integers(1, top), max_size=5)))]
    ranges = list(zip(lows, [*(low - 1 for low in lows[1:]), top], strict=True))
    money = st.decimals(0, 200_000, places=2)
    rate = st.decimals(0, 99, places=2)
    first, limit = sorted([draw(money), draw(money)])
    credit = CreditSettings(
        max_score=top,
        starting_score=draw(st.integers(0, top)),
        first_time_amount=first,
        starting_limit=limit,
        amount_tiers=tuple(AmountTier(score_from=a, score_to=b, amount=draw(money)) for a, b in ranges),
    )
    low_rate, high_rate = sorted([draw(rate), draw(rate)])
    low_days, high_days = sorted([draw(st.integers(1, 400)), draw(st.integers(1, 400))])
    kept = ranges[: draw(st.integers(0, len(ranges)))]
    loans = LoanSettings(
        currency=draw(st.sampled_from(["NGN", "RWF", "KES"])),
        default_interest_rate=draw(rate),
        interest_rate_tiers=tuple(RateTier(score_from=a, score_to=b, rate=draw(rate)) for a, b in kept),
        min_interest_rate=low_rate,
        max_interest_rate=high_rate,
        default_repayment_days=draw(st.integers(1, 400)),
        repayment_period_tiers=tuple(
            PeriodTier(score_from=a, score_to=b, days=draw(st.integers(1, 400))) for a, b in kept
        ),
        min_repayment_days=low_days,
        max_repayment_days=high_days,
    )
    assert credit.refusals() == {}
    assert loans.refusals() == {}
    return credit, loans


facts_of_anybody = st.builds(
    BorrowerFacts,
    score=st.integers(0, 10_000),
    credit_limit=st.decimals(0, 200_000, places=2),
    automatic_limit=st.booleans(),
    total_loans=st.integers(0, 3),
)


# What staff may save depends on the loans that were made: there are none.
@pytest.mark.django_db
@given(facts=facts_of_anybody, settings=settings_of_staff())
def test_whatever_staff_set_terms_keep_to_their_limits(
    facts: BorrowerFacts, settings: tuple[CreditSettings, LoanSettings]
) -> None:
    credit, loans = settings
    found = decide_eligibility(facts, credit, loans, versions=VERSIONS)
    bands = make_bands(found, currency=loans.currency, today=TODAY)

    assert loans.min_interest_rate <= found.rate <= loans.max_interest_rate
    assert loans.min_repayment_days <= found.days <= loans.max_repayment_days
    assert found.amount == found.amount.to_integral_value() >= 0
    if not facts.automatic_limit:
        assert found.amount <= facts.credit_limit
    amounts = [band.amount for band in bands]
    assert amounts == sorted(set(amounts))
    assert len(bands) <= 3
    for number, band in enumerate(bands, start=1):
        assert band.option == number
        assert 0 < band.amount <= found.amount
        assert 0 < band.disbursed_amount <= band.amount
        assert band.disbursed_amount + band.interest == band.amount
        assert is_payable(band.disbursed_amount, loans.currency)
        assert (band.due_date - TODAY).days == found.days
    if found.amount and found.rate < 50:
        assert amounts[-1] == found.amount


@given(limits=st.lists(st.integers(0, 50_000), min_size=2, max_size=2), score=st.integers(0, 850))
def test_larger_limit_never_means_a_smaller_offer(limits: list[int], score: int) -> None:
    smaller, larger = (decide(borrower(score, limit, automatic=False)).amount for limit in sorted(limits))
    assert smaller <= larger
