"""Redemption turns end to end, beside a bare Django view that does one insert.

HTTP in, gunicorn, PostgreSQL with its commit on disk, the worker's nudge in the broker. Each turn is a direct dial
(`*123*CODE#`): a new session, another customer who is known already, another code of a batch with a budget. No worker
runs: paying is measured by itself. The bare view runs in the same processes behind the same middleware.
"""

from benchmarks.bench import Bench, Place
from benchmarks.errors import BenchmarkError
from benchmarks.figures import ratios
from benchmarks.stock import phone
from benchmarks.turns import dial, post, secret_path
from benchmarks.web import Round, Web, serve

SUITE = "redemption"
INSERT_PATH = "/bench/insert/"


def measure(bench: Bench) -> None:
    """Rounds of both by turns; a first round of each warms up and does not count."""
    rounds, size = bench.pick(5, 1), bench.pick(1_500, 100)
    bare_size = size * bench.pick(2, 1)
    with bench.place(SUITE) as place:
        count = (rounds + 1) * size
        place.perform("add_customers", first=0, count=count)
        place.perform("generate", count=max(count, bench.pick(100_000, 1_000)))
        codes = place.perform("pick_codes", count=count).result
        with serve(place.environ) as web:
            bare, redeemed = [], []
            for number in range(rounds + 1):
                bare.append(web.rush(_inserts(bare_size), expect="END "))
                batch = codes[number * size : (number + 1) * size]
                redeemed.append(_redeem(web, place, batch, first=number * size))
        _require_redeemed(bench, place, count)
    _report(bench, bare[1:], redeemed[1:])


def _redeem(web: Web, place: Place, codes: list[str], *, first: int) -> Round:
    path = secret_path(place.secret)
    turns = [dial(path=path, phone=phone(first + number), text=code) for number, code in enumerate(codes)]
    return web.rush(turns, expect="END ")


def _inserts(count: int) -> list[bytes]:
    fields = {"phoneNumber": phone(0), "text": "A1B2C3D4E5F6G7H8"}
    return [post(INSERT_PATH, fields)] * count


def _require_redeemed(bench: Bench, place: Place, count: int) -> None:
    """Words alone prove nothing: the rows must be there, and the nudges in the queue."""
    found = place.perform("count_redemptions").result | {"nudges": bench.queue_length(place, "payouts")}
    if found != {"redemptions": count, "payouts": count, "nudges": count}:
        raise BenchmarkError(f"{count} codes were dialled, but the database and the broker hold {found}")


def _report(bench: Bench, bare: list[Round], redeemed: list[Round]) -> None:
    add = bench.findings.add
    rates, bare_rates = [each.rate for each in redeemed], [each.rate for each in bare]
    add(SUITE, "redemption turns", "/s", rates)
    add(SUITE, "bare view, one insert", "/s", bare_rates)
    add(SUITE, "bare insert / redemption", "x", ratios(bare_rates, rates), digits=2)
    add(SUITE, "redemption: CPU of the web processes", "ms", [each.cpu_ms for each in redeemed], digits=2)
    add(SUITE, "bare insert: CPU of the web processes", "ms", [each.cpu_ms for each in bare], digits=2)
    add(SUITE, "redemption at full load: p50", "ms", [each.latency_ms(50) for each in redeemed])
    add(SUITE, "redemption at full load: p99", "ms", [each.latency_ms(99) for each in redeemed])
