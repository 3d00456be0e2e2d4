"""Payouts settled per second and worker process, against a provider that takes 200 ms for a transfer.

Redeemed codes wait in the database and the broker; then one worker of the payouts queue starts, beside beat with its
sweeps. A payout is two calls: the transfer, and two seconds later the question what became of it (no callbacks here).
The rate counts from the first transfer sent to the last payout settled, so those two seconds are in it once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import requests

from benchmarks.bench import Bench, Place
from benchmarks.errors import BenchmarkError
from benchmarks.figures import ratios
from benchmarks.programs import Program, answers, find_free_port, running
from benchmarks.stock import phone

SUITE = "payouts"
LATENCY_MS = 200
# How long one variant may take before it is called a failure.
PATIENCE_SECONDS = 180
# What a worker says when something other than the provider was in its way.
_TROUBLE = ("PoolTimeout", "too many clients", "Traceback", "Connection pool is full", "ERROR")


_PROGRESS = """
    SELECT (SELECT count(*) FROM disbursements_attempt),
           (SELECT count(*) FROM disbursements_disbursement WHERE status = 'completed')
"""
_SPAN = """
    SELECT min(attempt.created_at), max(paid.disbursed_at)
      FROM (SELECT id, disbursed_at FROM disbursements_disbursement
             WHERE status = 'completed' ORDER BY requested_at DESC LIMIT %s) AS paid
      JOIN disbursements_attempt attempt ON attempt.disbursement_id = paid.id
"""


@dataclass(frozen=True)
class Variant:
    """A worker as it may be started; `processes` do the work."""

    pool: str
    concurrency: int

    @property
    def processes(self) -> int:
        return self.concurrency if self.pool == "prefork" else 1

    @property
    def words(self) -> str:
        return f"{self.pool}, {self.concurrency} at once"


# The two that are compared run twice, at the beginning and at the end.
ONE_PROCESS = Variant("prefork", 1)
MANY_THREADS = Variant("threads", 16)
FULL = (
    (ONE_PROCESS, 60),
    (MANY_THREADS, 800),
    (Variant("prefork", 4), 160),
    (Variant("threads", 8), 400),
    (Variant("threads", 32), 800),
    (ONE_PROCESS, 60),
    (MANY_THREADS, 800),
)
QUICK = ((ONE_PROCESS, 8), (MANY_THREADS, 60))


@dataclass
class Found:
    """What one kind of worker came to, a value per round."""

    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


def measure(bench: Bench) -> None:
    """Every variant on payouts of its own; then the books must agree."""
    trials = bench.pick(FULL, QUICK)
    total = sum(payouts for _, payouts in trials)
    found: dict[Variant, Found] = {variant: Found() for variant, _ in trials}
    with _provider() as provider, bench.place(SUITE, SANDBOX_URL=provider) as place:
        place.perform("add_customers", first=0, count=total)
        place.perform("generate", count=max(1_000, total))
        codes = place.perform("pick_codes", count=total).result
        done = 0
        for variant, payouts in trials:
            phones = [phone(done + number) for number in range(payouts)]
            place.perform("redeem", codes=codes[done : done + payouts], phones=phones)
            _pay(bench, place, variant, found[variant], already=done, payouts=payouts)
            done += payouts
        _require_paid_once(place, provider, done)
    for variant, each in found.items():
        _report(bench, variant, each)
    one, many = found[ONE_PROCESS], found[MANY_THREADS]
    name = f"{MANY_THREADS.words} / {ONE_PROCESS.words}: settled per process"
    bench.findings.add(SUITE, name, "x", ratios(many.rates, one.rates))


def _pay(bench: Bench, place: Place, variant: Variant, found: Found, *, already: int, payouts: int) -> None:
    """One worker on `payouts` payouts that wait; `already` are settled from earlier trials."""
    argv = ["celery", "-A", "config", "worker", "-Q", "payouts", "-l", "INFO", "--without-gossip", "--without-mingle"]
    argv += ["--pool", variant.pool, "--concurrency", str(variant.concurrency)]
    beat = ["celery", "-A", "config", "beat", "-l", "WARNING", "--pidfile="]
    # A thread keeps its connection while it waits for the provider: with fewer than threads, some would wait for one.
    environ = {**place.environ, "DATABASE_POOL_SIZE": str(max(10, variant.concurrency))}
    with (
        psycopg.connect(place.database_url, autocommit=True) as link,
        running(Program("beat", beat, environ=place.environ)),
        running(Program("worker", argv, environ=environ)) as worker,
    ):
        cpu = _wait_until_settled(link, worker, already=already, payouts=payouts)
        found.rates.append(payouts / _seconds(link, payouts))
        found.cpu_ms.append(cpu / payouts * 1000)
        found.memory_mb.append(worker.memory_mb())
        if trouble := worker.lines_with(*_TROUBLE):
            bench.findings.remark(f"{SUITE}, {variant.words}: {len(trouble)} complaints, the first: {trouble[0][:300]}")


def _report(bench: Bench, variant: Variant, found: Found) -> None:
    add = bench.findings.add
    add(SUITE, f"{variant.words}: settled", "/s", found.rates)
    if variant.processes > 1:
        add(SUITE, f"{variant.words}: settled per process", "/s", [rate / variant.processes for rate in found.rates])
    add(SUITE, f"{variant.words}: CPU of the worker per payout", "ms", found.cpu_ms)
    add(SUITE, f"{variant.words}: memory of the worker", "MB", found.memory_mb, digits=0)


def _wait_until_settled(link: psycopg.Connection, worker: Program, *, already: int, payouts: int) -> float:
    """Wait for the last one; the CPU seconds that the worker took from the first send on."""
    started = 0.0

    def look() -> bool:
        nonlocal started
        sent, settled = link.execute(_PROGRESS).fetchone()
        if sent == already:
            started = worker.cpu_seconds()
        return settled == already + payouts

    worker.wait_until(look, what=f"{payouts} payouts to be settled", seconds=PATIENCE_SECONDS)
    return worker.cpu_seconds() - started


def _seconds(link: psycopg.Connection, count: int) -> float:
    """From the first transfer sent to the last payout settled, of the latest `count`."""
    first, last = link.execute(_SPAN, [count]).fetchone()
    return (last - first).total_seconds()


@contextmanager
def _provider() -> Iterator[str]:
    """The sandbox with a slow transfer; its address."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    argv = ["sandbox", "--port", str(port), "--data", ":memory:", "--latency-ms", str(LATENCY_MS), "--settle-ms", "0"]
    with running(Program("sandbox", argv)) as sandbox:
        sandbox.wait_until(lambda: answers(f"{url}/_sandbox/health"), what="the sandbox to answer")
        yield url


def _require_paid_once(place: Place, provider: str, count: int) -> None:
    """The provider's own book: one transfer for each payout, all paid; and our books agree."""
    session = requests.Session()
    session.trust_env = False
    transfers = session.get(f"{provider}/_sandbox/momo/transfers", timeout=30).json()
    paid = [transfer["externalId"] for transfer in transfers if transfer["status"] == "SUCCESSFUL"]
    if len(transfers) != count or len(set(paid)) != count:
        raise BenchmarkError(f"{count} payouts are settled, but the provider made {len(paid)} of {len(transfers)}")
    breaches = place.perform("find_breaches").result
    if breaches:
        raise BenchmarkError(f"invariants are broken: {breaches[:3]}")
