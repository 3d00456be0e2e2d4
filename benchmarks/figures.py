"""What was measured: figures with their rounds, and what they are held against."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the report. `values` has one number per round; `budget` is the most the median may be.

    A ratio is computed round by round, from two measurements that lie side by side in time.
    """

    suite: str
    name: str
    unit: str
    values: tuple[float, ...]
    budget: float | None = None
    digits: int = 1

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_within_budget(self) -> bool | None:
        """None without a budget."""
        return None if self.budget is None else self.median <= self.budget

    def describe(self) -> dict[str, Any]:
        """As it stands in the JSON."""
        summary = {"min": min(self.values), "median": self.median, "max": max(self.values)}
        return asdict(self) | summary | {"within_budget": self.is_within_budget}


@dataclass
class Findings:
    """Every figure of a run, in the order measured, and remarks such as errors that were counted."""

    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(
        self,
        suite: str,
        name: str,
        unit: str,
        values: Sequence[float],
        *,
        budget: float | None = None,
        digits: int = 1,
    ) -> None:
        """Add one figure. Raises ValueError without any value: a suite that measured nothing has failed."""
        if not values:
            raise ValueError(f"{suite}: {name} was not measured")
        self.figures.append(
            Figure(suite=suite, name=name, unit=unit, values=tuple(values), budget=budget, digits=digits)
        )

    def remark(self, text: str) -> None:
        self.remarks.append(text)


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Round by round. Raises ValueError when the rounds do not pair up."""
    return [above / below for above, below in zip(numerators, denominators, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: with 400 values the 99th percent is the fourth largest."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
