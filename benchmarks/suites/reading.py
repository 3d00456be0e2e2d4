"""Reading turns beside bare Django views.

A reading turn is the first dial of a known customer, who is asked for the code. It comes with the gateway's secret in
the address, or with a token in the header. The bare views do nothing, or one SELECT, behind the same middleware.
"""

from collections.abc import Callable
from itertools import count

from benchmarks.bench import Bench
from benchmarks.figures import ratios
from benchmarks.stock import phone
from benchmarks.turns import dial, post, secret_path, token_path
from benchmarks.web import Round, serve

SUITE = "reading"


def measure(bench: Bench) -> None:
    """Rounds of all by turns; a first round of each warms up and does not count."""
    rounds, size = bench.pick(5, 1), bench.pick(1_500, 100)
    with bench.place(SUITE) as place:
        customers = 2 * (rounds + 1) * size
        place.perform("add_customers", first=0, count=customers)
        unused = count()
        bare_fields = {"phoneNumber": phone(0), "text": ""}
        # What is sent, and how the right answer begins.
        kinds: dict[str, tuple[Callable[[], bytes], str]] = {
            "reading turn, secret in the address": (
                lambda: dial(path=secret_path(place.secret), phone=phone(next(unused))),
                "CON ",
            ),
            "reading turn, token in the header": (
                lambda: dial(path=token_path(), phone=phone(next(unused)), token=place.token),
                "CON ",
            ),
            "bare view": (lambda: post("/bench/answer/", bare_fields), "END "),
            "bare view, one SELECT": (lambda: post("/bench/read/", bare_fields), "END en"),
        }
        found: dict[str, list[Round]] = {name: [] for name in kinds}
        with serve(place.environ) as web:
            for _ in range(rounds + 1):
                for name, (make, expect) in kinds.items():
                    found[name].append(web.rush([make() for _ in range(size)], expect=expect))
    _report(bench, {name: each[1:] for name, each in found.items()})


def _report(bench: Bench, found: dict[str, list[Round]]) -> None:
    add = bench.findings.add
    rates = {name: [each.rate for each in rounds] for name, rounds in found.items()}
    for name, values in rates.items():
        add(SUITE, name, "/s", values)
    turns = [name for name in found if name.startswith("reading")]
    for name in turns:
        short = name.removeprefix("reading turn, ")
        for bare in (name for name in found if name.startswith("bare")):
            add(SUITE, f"{bare} / reading turn, {short}", "x", ratios(rates[bare], rates[name]), digits=2)
    for name, rounds in found.items():
        add(SUITE, f"{name}: CPU of the web processes", "ms", [each.cpu_ms for each in rounds], digits=2)
    for name in turns:
        add(SUITE, f"{name}, at full load: p99", "ms", [each.latency_ms(99) for each in found[name]])
