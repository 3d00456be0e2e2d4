"""The table people read and the JSON that outlives it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Findings

FOLDER = Path(__file__).resolve().parent.parent / "bench-results"
_HEAD = ("what", "unit", "median", "min", "max", "rounds", "budget")


def print_table(findings: Findings) -> None:
    """Figures by suite, in columns."""
    rows = [_HEAD, *(_row(figure) for figure in findings.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    suite = ""
    for figure, row in zip([None, *findings.figures], rows, strict=True):
        if figure and figure.suite != suite:
            suite = figure.suite
            print(f"\n{suite}")
        print("  " + "  ".join(_aligned(row, widths)).rstrip())
    for remark in findings.remarks:
        print(f"\n* {remark}", end="")
    print()


def write_json(findings: Findings, *, about: dict[str, Any]) -> Path:
    """Write the run to bench-results/<time>.json, and again to latest.json; the first path."""
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **about,
        "figures": [figure.describe() for figure in findings.figures],
        "remarks": findings.remarks,
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    text = json.dumps(document, indent=2) + "\n"
    path.write_text(text)
    # Whoever reads latest.json sees the old one or the new one, never half of it.
    unfinished = FOLDER / f".latest.{os.getpid()}"
    unfinished.write_text(text)
    unfinished.replace(FOLDER / "latest.json")
    return path


def _row(figure: Figure) -> tuple[str, ...]:
    numbers = (figure.median, min(figure.values), max(figure.values))
    texts = [f"{number:,.{figure.digits}f}" for number in numbers]
    budget = ""
    if figure.budget is not None:
        budget = f"<= {figure.budget:g}  {'ok' if figure.is_within_budget else 'MISSED'}"
    return (figure.name, figure.unit, *texts, str(len(figure.values)), budget)


def _aligned(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.rjust(width) if 2 <= column <= 5 else text.ljust(width)
