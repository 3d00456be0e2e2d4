"""Redemption latency with few and with many codes stored: it should be the same.

Two databases on one server, one with a hundred thousand codes and one with five million, asked by turns. In process:
the service alone. Over HTTP: one handset at a time, so that nobody waits for anybody and only the work itself shows.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.bench import Bench, Place
from benchmarks.figures import percentile, ratios
from benchmarks.stock import phone
from benchmarks.turns import dial, secret_path
from benchmarks.web import Web, serve

SUITE = "growth"
# "Flat": fifty times the codes may cost a quarter more.
TIMES_LATENCY = 1.25
_RUN = 1_000_000
_WARM_UP = 50


@dataclass
class Side:
    """One of the two databases and what was measured there, in milliseconds per round."""

    codes: int
    place: Place
    web: Web
    unused: list[str]
    next_customer: int = 0
    found: dict[str, list[float]] = field(default_factory=dict)

    def take(self, count: int) -> tuple[list[str], list[str]]:
        """Codes and customers that nobody has used yet."""
        codes, self.unused = self.unused[:count], self.unused[count:]
        phones = [phone(self.next_customer + number) for number in range(count)]
        self.next_customer += count
        return codes, phones

    def note(self, way: str, seconds: list[float]) -> None:
        for percent in (50, 99):
            self.found.setdefault(f"{way}, p{percent}", []).append(percentile(seconds, percent) * 1000)


def measure(bench: Bench) -> None:
    """Rounds of both by turns, each way."""
    sizes = bench.pick(100_000, 2_000), bench.pick(5_000_000, 20_000)
    rounds, size = bench.pick(5, 1), bench.pick(400, 100)
    with ExitStack() as stack:
        sides = [_open_side(bench, stack, codes, needed=2 * rounds * (size + _WARM_UP)) for codes in sizes]
        for _ in range(rounds):
            for side in sides:
                codes, phones = side.take(size + _WARM_UP)
                done = side.place.perform("redeem", codes=codes, phones=phones, warm_up=_WARM_UP)
                side.note("in process", done.result)
            for side in sides:
                _redeem_over_http(side, size)
    _report(bench, *sides)


def _open_side(bench: Bench, stack: ExitStack, codes: int, *, needed: int) -> Side:
    place = stack.enter_context(bench.place(f"{SUITE}_{codes}"))
    place.perform("add_customers", first=0, count=needed)
    for start in range(0, codes, _RUN):
        place.perform("generate", count=min(_RUN, codes - start))
    place.perform("settle_tables")
    unused = place.perform("pick_codes", count=needed).result
    return Side(codes, place, stack.enter_context(serve(place.environ)), unused)


def _redeem_over_http(side: Side, size: int) -> None:
    codes, phones = side.take(size + _WARM_UP)
    path = secret_path(side.place.secret)
    turns = [dial(path=path, phone=number, text=code) for code, number in zip(codes, phones, strict=True)]
    side.web.rush(turns[:_WARM_UP], expect="END ", connections=1)
    side.note("over HTTP", list(side.web.rush(turns[_WARM_UP:], expect="END ", connections=1).latencies))


def _report(bench: Bench, few: Side, many: Side) -> None:
    for name, values in few.found.items():
        for side in (few, many):
            bench.findings.add(SUITE, f"{side.codes:,} codes: redemption {name}", "ms", side.found[name], digits=2)
        bench.findings.add(
            SUITE,
            f"{many.codes:,} / {few.codes:,} codes: {name}",
            "x",
            ratios(many.found[name], values),
            budget=TIMES_LATENCY,
            digits=2,
        )
