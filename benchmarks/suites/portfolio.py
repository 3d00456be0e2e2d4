"""Offer and approval latency in an empty product and in one with a million customers and three million loans.

Two databases on one server, asked by turns. The small one holds only the customers who will ask, each with three
loans of the past, so that both do the same work. One gateway at a time, so that nobody waits for anybody and only the
work itself shows. At the end PostgreSQL says how it finds the rows of each statement.
"""

import random
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.bench import Bench, Place
from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile, ratios
from benchmarks.stock import borrower
from benchmarks.turns import approve, ask_offer
from benchmarks.web import Web, serve

SUITE = "portfolio"
LOANS_EACH = 3
# "Flat", as for codes: hundreds of times the loans may cost a quarter more.
TIMES_LATENCY = 1.25
_WARM_UP = 50


@dataclass
class Side:
    """One of the two databases and what was measured there, in milliseconds per round."""

    customers: int
    place: Place
    web: Web
    unused: list[str]
    found: dict[str, list[float]] = field(default_factory=dict)

    def take(self, count: int) -> list[str]:
        """Phones of customers who have not asked yet."""
        taken, self.unused = self.unused[:count], self.unused[count:]
        return taken

    def note(self, what: str, latencies: list[float]) -> None:
        for percent in (50, 99):
            self.found.setdefault(f"{what}, p{percent}", []).append(percentile(latencies, percent) * 1000)


def measure(bench: Bench) -> None:
    """Rounds of both by turns."""
    rounds, size = bench.pick(5, 1), bench.pick(400, 60)
    # Two more for the plans.
    needed = rounds * (size + _WARM_UP) + 2
    with ExitStack() as stack:
        sizes = (needed, bench.pick(1_000_000, 5_000))
        places = [stack.enter_context(bench.place(f"{SUITE}_{customers}")) for customers in sizes]
        for place, customers in zip(places, sizes, strict=True):
            place.perform("add_borrowers", first=0, count=customers, loans=LOANS_EACH)
        # From all over the table, so that their pages are rarely in memory already.
        sides = [
            Side(customers, place, stack.enter_context(serve(place.environ)), _pick(customers, needed))
            for place, customers in zip(places, sizes, strict=True)
        ]
        for _ in range(rounds):
            for side in sides:
                _borrow(side, size)
        for side in sides:
            _require_loans(side, rounds * (size + _WARM_UP))
        _report_plans(bench, sides[-1])
    _report(bench, *sides)


def _pick(customers: int, count: int) -> list[str]:
    return [borrower(number) for number in random.sample(range(customers), count)]


def _borrow(side: Side, size: int) -> None:
    """An offer for each of the customers, then each one's approval."""
    phones = side.take(size + _WARM_UP)
    asked = [{"phone": phone, "session_id": f"bench-{phone}", "token": side.place.token} for phone in phones]
    for what, write, status in (("offer", ask_offer, "success"), ("approval", approve, "processing")):
        requests, expect = [write(**each) for each in asked], f'{{"status": "{status}"'
        side.web.rush(requests[:_WARM_UP], expect=expect, connections=1)
        side.note(what, list(side.web.rush(requests[_WARM_UP:], expect=expect, connections=1).latencies))


def _require_loans(side: Side, count: int) -> None:
    found = side.place.perform("count_loans").result
    if found != {"loans": count, "payouts": count}:
        raise BenchmarkError(f"{count} loans were approved, but the database holds {found}")


def _report_plans(bench: Bench, side: Side) -> None:
    """Name the indexes. Raises BenchmarkError when a large table is read from end to end."""
    looks = [look for look in side.place.perform("explain", phones=side.take(2)).result if look["is_large"]]
    if slow := sorted({look["table"] for look in looks if not look["indexes"]}):
        raise BenchmarkError(f"an offer or an approval reads these tables from end to end: {', '.join(slow)}")
    ways = sorted({f"{look['table']} by {' and '.join(look['indexes'])}" for look in looks})
    bench.findings.remark(f"{SUITE}, {side.customers:,} customers: rows are found in {'; '.join(ways)}.")


def _report(bench: Bench, few: Side, many: Side) -> None:
    words = {side.customers: f"{side.customers * LOANS_EACH:,} loans" for side in (few, many)}
    for name, values in few.found.items():
        for side in (few, many):
            bench.findings.add(SUITE, f"{words[side.customers]}: {name}", "ms", side.found[name], digits=2)
        bench.findings.add(
            SUITE,
            f"{words[many.customers]} / {words[few.customers]}: {name}",
            "x",
            ratios(many.found[name], values),
            budget=TIMES_LATENCY,
            digits=2,
        )
