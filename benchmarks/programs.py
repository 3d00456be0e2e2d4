"""Programs that run beside a measurement: gunicorn, Celery, the sandbox."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.perform import PROJECT

START_SECONDS = 60
STOP_SECONDS = 20
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Program:
    """One `python -m …` with its children, in a session of its own. What it writes is kept for when it fails."""

    def __init__(self, name: str, argv: list[str], *, environ: Mapping[str, str] = os.environ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as this object
        self._process = subprocess.Popen(
            [sys.executable, "-m", *argv],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=dict(environ),
            start_new_session=True,
        )

    def wait_until(self, look: Callable[[], bool], *, what: str, seconds: float = START_SECONDS) -> None:
        """Raises BenchmarkError when the program ends first, or the time does."""
        end = time.monotonic() + seconds
        while not look():
            self.require_running()
            if time.monotonic() > end:
                raise BenchmarkError(f"{self.name}: waited {seconds:g} s for {what}\n{self.words()}")
            time.sleep(0.05)

    def require_running(self) -> None:
        if self._process.poll() is not None:
            raise BenchmarkError(f"{self.name} ended with {self._process.returncode}:\n{self.words()}")

    def words(self, *, last: int = 3000) -> str:
        """The end of what it wrote."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - last))
        return self._log.read().decode(errors="replace")

    def lines_with(self, *wanted: str) -> list[str]:
        """The lines it wrote that hold one of these."""
        self._log.seek(0)
        lines = (line.decode(errors="replace").strip() for line in self._log)
        return [line for line in lines if any(word in line for word in wanted)]

    def cpu_seconds(self) -> float:
        """CPU time so far, children included."""
        leader = psutil.Process(self._process.pid)
        spent = [process.cpu_times() for process in [leader, *leader.children(recursive=True)]]
        return sum(times.user + times.system for times in spent)

    def memory_mb(self) -> float:
        """Unique memory of all its processes together: what is shared after a fork counts once."""
        leader = psutil.Process(self._process.pid)
        return sum(process.memory_full_info().pss for process in [leader, *leader.children(recursive=True)]) / 2**20

    def stop(self) -> None:
        """Ask it to end, wait, and end its whole session when it does not."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=STOP_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()


@contextmanager
def running(program: Program) -> Iterator[Program]:
    try:
        yield program
    finally:
        program.stop()


def answers(url: str) -> bool:
    """Whether this address says 200 now."""
    try:
        with _NO_PROXY.open(url, timeout=5) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
