"""The suites, in the order they run. Each measures one subject and leaves its figures with the bench."""

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.suites import generation, growth, lending, payouts, portfolio, reading, redemption

SUITES: dict[str, Callable[[Bench], None]] = {
    "redemption": redemption.measure,
    "reading": reading.measure,
    "payouts": payouts.measure,
    "generation": generation.measure,
    "growth": growth.measure,
    "lending": lending.measure,
    "portfolio": portfolio.measure,
}
