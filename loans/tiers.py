"""Tables by score, amount or day in the settings of credit: what a tier is, and what a table of them must be."""

from abc import abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
Score = Annotated[int, Field(ge=0, le=10_000)]
# The earliest day, against the due date, on which a loan can be repaid: no loan runs longer.
EARLIEST = -3650
Points = Annotated[int, Field(ge=-10_000, le=10_000)]


class Range(Protocol):
    """From `low` to `high`, both included; `high` None: and above."""

    @property
    def low(self) -> int: ...

    @property
    def high(self) -> int | None: ...


RangeT = TypeVar("RangeT", bound=Range)


class _Tier(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def low(self) -> int: ...

    @property
    @abstractmethod
    def high(self) -> int | None: ...

    @property
    def name(self) -> str:
        """How an explanation calls it: `300 to 449`, `31 and more`."""
        return f"{self.low} and more" if self.high is None else f"{self.low} to {self.high}"


class _ScoreTier(_Tier):
    score_from: Score
    score_to: Score

    @property
    def low(self) -> int:
        return self.score_from

    @property
    def high(self) -> int | None:
        return self.score_to


class AmountTier(_ScoreTier):
    """How much customers with such a score may borrow."""

    amount: Money


class RateTier(_ScoreTier):
    """Interest, per cent of the amount, for such a score."""

    rate: Annotated[Decimal, Field(ge=0, lt=100, max_digits=5, decimal_places=2)]


class PeriodTier(_ScoreTier):
    """Days to repay for such a score."""

    days: Annotated[int, Field(ge=1, le=3650)]


class AmountPoints(_Tier):
    """Points for having repaid so much of a loan, in whole units of its currency."""

    amount_from: Annotated[int, Field(ge=0)]
    amount_to: Annotated[int, Field(ge=0)] | None = None
    points: Points

    @property
    def low(self) -> int:
        return self.amount_from

    @property
    def high(self) -> int | None:
        return self.amount_to


class TimingPoints(_Tier):
    """Points for repaying a loan in full so many days after its due date; before it they are negative."""

    days_from: Annotated[int, Field(ge=EARLIEST, le=3650)]
    days_to: Annotated[int, Field(ge=EARLIEST, le=3650)] | None = None
    points: Points

    @property
    def low(self) -> int:
        return self.days_from

    @property
    def high(self) -> int | None:
        return self.days_to


def find_tier(tiers: Sequence[RangeT], value: int) -> RangeT | None:
    """The tier that has the value; None when none has."""
    return next((tier for tier in tiers if tier.low <= value and (tier.high is None or value <= tier.high)), None)


def in_order(tiers: tuple[RangeT, ...]) -> tuple[RangeT, ...]:
    """The tiers from lowest to highest, so that staff may add one at the end."""
    return tuple(sorted(tiers, key=lambda tier: tier.low))


def find_disorder(tiers: Sequence[Range], *, first: int | None = None, last: int | None = None) -> str:
    """What is wrong with the table, in words for staff; empty when every value from `first` to `last` has one tier.

    Tiers stand in rising order, without gaps and overlaps; only the last may be open above.
    """
    if not tiers:
        return "There must be at least one tier."
    if first is not None and tiers[0].low != first:
        return f"The first tier must begin at {first}."
    for tier, following in zip(tiers, [*tiers[1:], None], strict=True):
        if tier.high is not None and tier.high < tier.low:
            return f"The tier from {tier.low} ends at {tier.high}, before it begins."
        if following is None:
            break
        if tier.high is None:
            return f"The tier from {tier.low} has no end, but another follows."
        if following.low <= tier.high:
            return f"The tiers overlap at {following.low}."
        if following.low != tier.high + 1:
            return f"No tier has {tier.high + 1}."
    end = tiers[-1].high
    if end is not None and last is None:
        return "The last tier must have no end."
    if end is not None and last is not None and end < last:
        return f"The last tier must reach {last}."
    return ""
