"""Offers and approvals over HTTP, at fifty gateways, beside bare Django views; and what knowing a token costs.

JSON in, gunicorn, PostgreSQL with its commit on disk, the worker's nudge in the broker, JSON out. Each customer asks
once and takes the second offer in the same session. No worker runs: paying is measured by itself. One bare view does
nothing, the others do as many SQL statements as the product, of the same kinds and in the same order.
"""

from collections.abc import Sequence

from benchmarks.bench import Bench, Place
from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile, ratios
from benchmarks.stock import borrower
from benchmarks.turns import approve, ask_offer, post_json
from benchmarks.web import Round, serve

SUITE = "lending"
GATEWAYS = 50
OFFER, APPROVAL = "offer", "approval"
BARE, BARE_OFFER, BARE_APPROVAL = (
    "bare view",
    "bare view, statements of an offer",
    "bare view, statements of an approval",
)
# Contract section 3.
TOKEN_MS = 1.0


def measure(bench: Bench) -> None:
    """Rounds of all by turns; a first round of each warms up and does not count."""
    rounds, size = bench.pick(5, 1), bench.pick(1_000, 100)
    found: dict[str, list[Round]] = {name: [] for name in (BARE, BARE_OFFER, OFFER, BARE_APPROVAL, APPROVAL)}
    with bench.place(SUITE) as place:
        count = (rounds + 1) * size
        place.perform("add_borrowers", first=0, count=count, loans=0)
        with serve(place.environ) as web:
            for number in range(rounds + 1):
                numbers = range(number * size, (number + 1) * size)
                for name, (expect, requests) in _requests(place, numbers).items():
                    found[name].append(web.rush(requests, expect=expect, connections=GATEWAYS))
        _require_loans(bench, place, count)
        checks = [
            place.perform("check_tokens", token=place.token, count=bench.pick(2_000, 200)).result for _ in range(rounds)
        ]
    _report(bench, {name: each[1:] for name, each in found.items()})
    _report_checks(bench, checks)


def _requests(place: Place, numbers: Sequence[int]) -> dict[str, tuple[str, list[bytes]]]:
    """For each kind, how the right answer begins, and a round of requests."""
    asked = [{"phone": borrower(number), "session_id": f"bench-{number}", "token": place.token} for number in numbers]
    plain = [{"msisdn": each["phone"], "sessionId": each["session_id"]} for each in asked]

    def bare(path: str) -> tuple[str, list[bytes]]:
        return '{"status": "success"', [post_json(path, fields) for fields in plain]

    return {
        BARE: bare("/bench/json/"),
        BARE_OFFER: bare("/bench/statements/offer/"),
        OFFER: ('{"status": "success"', [ask_offer(**each) for each in asked]),
        BARE_APPROVAL: bare("/bench/statements/approval/"),
        APPROVAL: ('{"status": "processing"', [approve(**each) for each in asked]),
    }


def _require_loans(bench: Bench, place: Place, count: int) -> None:
    """Words alone prove nothing: the rows must be there, the nudges in the queue, and the books agree."""
    found = place.perform("count_loans").result | {"nudges": bench.queue_length(place, "payouts")}
    if found != {"loans": count, "payouts": count, "nudges": count}:
        raise BenchmarkError(f"{count} loans were approved, but the database and the broker hold {found}")
    breaches = place.perform("find_breaches").result
    if breaches:
        raise BenchmarkError(f"invariants are broken: {breaches[:3]}")


def _report(bench: Bench, found: dict[str, list[Round]]) -> None:
    add = bench.findings.add
    rates = {name: [each.rate for each in rounds] for name, rounds in found.items()}
    for name, values in rates.items():
        add(SUITE, name, "/s", values)
    for name, bare in ((OFFER, BARE), (OFFER, BARE_OFFER), (APPROVAL, BARE), (APPROVAL, BARE_APPROVAL)):
        add(SUITE, f"{bare} / {name}", "x", ratios(rates[bare], rates[name]), digits=2)
    for name, rounds in found.items():
        add(SUITE, f"{name}: CPU of the web processes", "ms", [each.cpu_ms for each in rounds], digits=2)
    for name, rounds in found.items():
        for percent in (50, 99):
            values = [each.latency_ms(percent) for each in rounds]
            add(SUITE, f"{name}, {GATEWAYS} gateways at once: p{percent}", "ms", values)


def _report_checks(bench: Bench, checks: list[dict]) -> None:
    add = bench.findings.add
    whole, asking = ([percentile(each[part], 50) * 1000 for each in checks] for part in ("seconds", "sql_seconds"))
    add(SUITE, "token known, in process: p50", "ms", whole, budget=TOKEN_MS, digits=3)
    add(SUITE, "token known: its SQL statement, p50", "ms", asking, digits=3)
    cpu = [each["cpu_seconds"] / len(each["seconds"]) * 1000 for each in checks]
    add(SUITE, "token known: CPU of the process", "ms", cpu, digits=3)
