"""Running one act (see `benchmarks.acts`) in a child process of its own, with what it cost."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError

PROJECT = Path(__file__).resolve().parent.parent
# Linux counts in kilobytes, macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Performance:
    """What the act returned; the CPU it took and its peak memory, start of Python and Django included."""

    result: Any
    cpu_seconds: float
    peak_mb: float


def perform(act: str, *, environ: Mapping[str, str], **arguments: Any) -> Performance:
    """Run the act to its end. Raises BenchmarkError with its last words when it fails."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as returned, tempfile.TemporaryFile() as words:
        given.write(json.dumps(arguments).encode())
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.acts", act],
            stdin=given,
            stdout=returned,
            stderr=words,
            cwd=PROJECT,
            env=dict(environ),
        )
        # Not process.wait(): only wait4 tells what this one child used.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            words.seek(0)
            said = words.read().decode(errors="replace")[-3000:]
            raise BenchmarkError(f"{act} failed ({process.returncode}):\n{said}")
        returned.seek(0)
        return Performance(
            result=json.loads(returned.read()),
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss * _RSS_UNIT / 1024 / 1024,
        )
