"""Codes generated and stored, beside raw COPY of the same rows (architecture section 7)."""

import tempfile
from pathlib import Path

from benchmarks.bench import Bench, Place
from benchmarks.figures import ratios

SUITE = "generation"
TIMES_COPY = 4.0
# "Memory flat": a run ten times as long may peak at most a tenth higher.
TIMES_MEMORY = 1.1


def measure(bench: Bench) -> None:
    """Both tables grow by the same rows, so each round finds them equally large."""
    small, large = bench.pick(100_000, 10_000), bench.pick(1_000_000, 50_000)
    with bench.place(SUITE) as place, tempfile.TemporaryDirectory(prefix="starhash-bench-") as folder:
        file = Path(folder) / "codes"
        small_peaks = _measure_size(bench, place, small, rounds=bench.pick(5, 1), file=file)
        large_peaks = _measure_size(bench, place, large, rounds=bench.pick(3, 1), file=file)
        idle = [place.perform("idle").peak_mb for _ in range(2)]
    bench.findings.add(SUITE, "peak memory of an idle process", "MB", idle)
    times = [max(large_peaks) / min(small_peaks)]
    bench.findings.add(SUITE, f"peak memory: {large:,} / {small:,} codes", "x", times, budget=TIMES_MEMORY, digits=2)


def _measure_size(bench: Bench, place: Place, count: int, *, rounds: int, file: Path) -> list[float]:
    """Rounds of generating and copying `count` codes; the generator's peaks of memory."""
    generated, copied, peaks = [], [], []
    for _ in range(rounds):
        made = place.perform("generate", count=count)
        place.perform("export_codes", run=made.result["run"], path=str(file))
        raw = place.perform("copy_codes", path=str(file))
        generated.append(made.result["seconds"])
        copied.append(raw.result["seconds"])
        peaks.append(made.peak_mb)
    add = bench.findings.add
    add(SUITE, f"{count:,} codes generated and stored", "s", generated, digits=2)
    add(SUITE, f"{count:,} rows, raw COPY", "s", copied, digits=2)
    add(SUITE, f"{count:,} codes: generated / raw COPY", "x", ratios(generated, copied), budget=TIMES_COPY, digits=2)
    add(SUITE, f"{count:,} codes generated: peak memory", "MB", peaks)
    return peaks
