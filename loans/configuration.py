"""Settings of lending that staff may change (spec 2, "How scoring and limits work here"; contract section 2)."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from configuration.categories import Category
from configuration.selectors import stored_category
from ledger.money import MINOR_UNITS
from loans.models import Loan
from loans.statuses import LoanStatus
from loans.tiers import (
    EARLIEST,
    AmountPoints,
    AmountTier,
    Money,
    PeriodTier,
    RateTier,
    Score,
    TimingPoints,
    find_disorder,
    in_order,
)

Rate = Annotated[Decimal, Field(ge=0, lt=100, max_digits=5, decimal_places=2)]
Days = Annotated[int, Field(ge=1, le=3650)]


def check_currency(value: str) -> str:
    """A currency we handle. Raises ValueError."""
    if value not in MINOR_UNITS:
        raise ValueError(f"must be one of {', '.join(MINOR_UNITS)}")
    return value


def check_time_zone(value: str) -> str:
    """A name of the time zone database. Raises ValueError."""
    if value not in available_timezones():
        raise ValueError("must be a time zone such as Africa/Lagos")
    return value


class CreditSettings(Category):
    """Scores and limits: what a customer may borrow, and what repaying does for the next time."""

    slug: ClassVar[str] = "credit"
    title: ClassVar[str] = "Credit scores and limits"
    never_guessed: ClassVar[frozenset[str]] = frozenset(
        {"first_time_amount", "amount_tiers", "starting_limit", "starting_score", "max_score"}
    )

    starting_score: Score = Field(300, description="Score of a customer who never borrowed")
    max_score: Score = Field(850, description="Highest score")
    starting_limit: Money = Field(Decimal(10_000), description="Credit limit of a customer who never borrowed")
    first_time_amount: Money = Field(Decimal(10_000), description="What a customer without any loan yet may borrow")
    amount_tiers: Annotated[tuple[AmountTier, ...], AfterValidator(in_order)] = Field(
        (
            AmountTier(score_from=0, score_to=299, amount=Decimal(5_000)),
            AmountTier(score_from=300, score_to=329, amount=Decimal(10_000)),
            # One loan repaid in time leads here.
            AmountTier(score_from=330, score_to=449, amount=Decimal(15_000)),
            AmountTier(score_from=450, score_to=549, amount=Decimal(20_000)),
            AmountTier(score_from=550, score_to=649, amount=Decimal(35_000)),
            AmountTier(score_from=650, score_to=749, amount=Decimal(60_000)),
            AmountTier(score_from=750, score_to=850, amount=Decimal(100_000)),
        ),
        max_length=50,
        description="What customers who borrowed before may borrow, by score",
    )
    repaid_amount_points: Annotated[tuple[AmountPoints, ...], AfterValidator(in_order)] = Field(
        (
            AmountPoints(amount_from=0, amount_to=999, points=0),
            AmountPoints(amount_from=1_000, amount_to=4_999, points=5),
            AmountPoints(amount_from=5_000, amount_to=19_999, points=15),
            AmountPoints(amount_from=20_000, amount_to=49_999, points=25),
            AmountPoints(amount_from=50_000, amount_to=None, points=40),
        ),
        max_length=50,
        description="Points for what was repaid of a loan so far, by amount",
    )
    repaid_timing_points: Annotated[tuple[TimingPoints, ...], AfterValidator(in_order)] = Field(
        (
            TimingPoints(days_from=-3650, days_to=-8, points=20),
            TimingPoints(days_from=-7, days_to=0, points=15),
            TimingPoints(days_from=1, days_to=7, points=5),
            TimingPoints(days_from=8, days_to=30, points=0),
            TimingPoints(days_from=31, days_to=None, points=-20),
        ),
        max_length=50,
        description="Points for a loan repaid in full, by days after its due date; negative days are early",
    )
    overdue_points: Annotated[tuple[TimingPoints, ...], AfterValidator(in_order)] = Field(
        (
            TimingPoints(days_from=1, days_to=7, points=-10),
            TimingPoints(days_from=8, days_to=30, points=-25),
            TimingPoints(days_from=31, days_to=None, points=-50),
        ),
        max_length=50,
        description="Points for a loan that is so many days overdue, taken once when it enters each tier",
    )
    write_off_points: int = Field(-150, ge=-10_000, le=0, description="Points for a loan written off")

    def refusals(self) -> dict[str, list[str]]:
        """Tables with gaps or overlaps, and amounts that the limit would always refuse."""
        found: dict[str, list[str]] = {}
        for name, disorder in (
            ("amount_tiers", find_disorder(self.amount_tiers, first=0, last=self.max_score)),
            ("repaid_amount_points", find_disorder(self.repaid_amount_points, first=0)),
            ("repaid_timing_points", find_disorder(self.repaid_timing_points, first=EARLIEST)),
            ("overdue_points", find_disorder(self.overdue_points, first=1)),
        ):
            if disorder:
                found[name] = [disorder]
        if self.starting_score > self.max_score:
            found["starting_score"] = ["Must not be above the highest score."]
        if self.first_time_amount > self.starting_limit:
            found["first_time_amount"] = ["Must not be above the credit limit of a new customer."]
        return found


class LoanSettings(Category):
    """Loans: their terms, the country they are made in, and how often a customer may borrow."""

    slug: ClassVar[str] = "loans"
    title: ClassVar[str] = "Loans"
    never_guessed: ClassVar[frozenset[str]] = frozenset(
        {
            "currency",
            "default_interest_rate",
            "interest_rate_tiers",
            "min_interest_rate",
            "max_interest_rate",
            "repayment_period_tiers",
            "min_repayment_days",
            "max_repayment_days",
            "cooldown_minutes",
        }
    )

    currency: Annotated[str, AfterValidator(check_currency)] = Field("NGN", description="Currency of loans")
    region: str = Field(
        "NG",
        pattern=r"^[A-Z]{2}$",
        description="Country lent in: of customers, and of numbers without one when the gateway names none",
    )
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = Field("Africa/Lagos", description="Zone of due dates")
    default_interest_rate: Rate = Field(
        Decimal(10), description="Per cent of the amount, deducted upfront, for a score without a tier"
    )
    interest_rate_tiers: Annotated[tuple[RateTier, ...], AfterValidator(in_order)] = Field(
        (
            RateTier(score_from=0, score_to=299, rate=Decimal(15)),
            RateTier(score_from=300, score_to=549, rate=Decimal(10)),
            RateTier(score_from=550, score_to=749, rate=Decimal(8)),
            RateTier(score_from=750, score_to=850, rate=Decimal(5)),
        ),
        max_length=50,
        description="Interest by score, per cent of the amount",
    )
    min_interest_rate: Rate = Field(Decimal(1), description="Lowest interest, whatever the tiers say")
    max_interest_rate: Rate = Field(Decimal(30), description="Highest interest, whatever the tiers say")
    default_repayment_days: Days = Field(30, description="Days to repay for a score without a tier")
    repayment_period_tiers: Annotated[tuple[PeriodTier, ...], AfterValidator(in_order)] = Field(
        (
            PeriodTier(score_from=0, score_to=299, days=14),
            PeriodTier(score_from=300, score_to=649, days=30),
            PeriodTier(score_from=650, score_to=850, days=45),
        ),
        max_length=50,
        description="Days to repay by score",
    )
    min_repayment_days: Days = Field(7, description="Fewest days to repay, whatever the tiers say")
    max_repayment_days: Days = Field(90, description="Most days to repay, whatever the tiers say")
    cooldown_minutes: int = Field(
        120, ge=0, le=43_200, description="Minutes between two loans of one phone number; 0: none"
    )
    session_seconds: int = Field(
        180, ge=30, le=3600, description="How long an offer can be approved without being made anew"
    )

    @property
    def zone(self) -> ZoneInfo:
        """The country's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def cooldown(self) -> timedelta:
        """How long after a loan the next one may be made."""
        return timedelta(minutes=self.cooldown_minutes)

    def refusals(self) -> dict[str, list[str]]:
        """Tables with gaps or overlaps, smallest above largest, and another currency than that of loans that were made:
        what a customer owes, and what we hold of theirs, is one sum.

        Reads the loans from the database.
        """
        found: dict[str, list[str]] = {}
        if self._is_other_currency():
            found["currency"] = ["Loans have been made in another currency. What is owed on them cannot be converted."]
        for name, tiers in (
            ("interest_rate_tiers", self.interest_rate_tiers),
            ("repayment_period_tiers", self.repayment_period_tiers),
        ):
            disorder = find_disorder(tiers, first=0, last=0) if tiers else ""
            if disorder:
                found[name] = [disorder]
        if self.min_interest_rate > self.max_interest_rate:
            found["min_interest_rate"] = ["The lowest rate is above the highest."]
        if self.min_repayment_days > self.max_repayment_days:
            found["min_repayment_days"] = ["The fewest days are more than the most."]
        return found

    def _is_other_currency(self) -> bool:
        stored = stored_category(LoanSettings).values
        if isinstance(stored, LoanSettings) and stored.currency == self.currency:
            return False
        return Loan.objects.exclude(currency=self.currency).exclude(status__in=LoanStatus.DEAD).exists()
