"""The web server as production runs it, and rounds of requests against it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile
from benchmarks.load import PATIENCE_SECONDS
from benchmarks.perform import PROJECT
from benchmarks.programs import Program, answers, find_free_port, running

# More connections than threads (2 workers x 8), so that none of them is ever without work.
CONNECTIONS = 32


@dataclass(frozen=True)
class Round:
    """One rush of requests."""

    count: int
    seconds: float
    latencies: Sequence[float]
    web_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.count / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU in the web processes, per request."""
        return self.web_cpu_seconds / self.count * 1000

    def latency_ms(self, percent: float) -> float:
        return percentile(self.latencies, percent) * 1000


@dataclass(frozen=True)
class Web:
    """A running gunicorn."""

    program: Program
    port: int

    def rush(self, requests: Sequence[bytes], *, expect: str, connections: int = CONNECTIONS) -> Round:
        """Send all requests and wait for the answers, each of which must begin with `expect`.

        Raises BenchmarkError with the first wrong answer: a rate of errors is no rate.
        """
        cpu_before = self.program.cpu_seconds()
        found = _send(self.port, requests, expect=expect, connections=connections)
        web_cpu = self.program.cpu_seconds() - cpu_before
        if found["wrong_count"]:
            raise BenchmarkError(
                f"{found['wrong_count']} of {len(requests)} answers were wrong; the first:\n{found['wrong'][0]}\n"
                f"{self.program.words()}"
            )
        return Round(len(requests), found["seconds"], found["latencies"], web_cpu)


@contextmanager
def serve(environ: Mapping[str, str]) -> Iterator[Web]:
    """gunicorn with docker/gunicorn.conf.py: two workers of eight threads.

    Workers are not replaced after so many requests: in rounds of seconds that would weigh more than in service.
    """
    port = find_free_port()
    argv = ["gunicorn", "--config", "docker/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", "--max-requests", "0"]
    argv += ["--no-control-socket", "config.wsgi:application"]
    unset = {"PORT", "WEB_WORKERS", "WEB_THREADS"}
    clean = {name: value for name, value in environ.items() if name not in unset}
    with running(Program("gunicorn", argv, environ=clean)) as program:
        program.wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz/ready"), what="gunicorn to be ready")
        yield Web(program, port)


def _send(port: int, requests: Sequence[bytes], *, expect: str, connections: int) -> dict:
    order = {
        "port": port,
        "connections": connections,
        "expect": expect,
        "requests": [request.decode("latin-1") for request in requests],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(order, file)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", file.name],
            cwd=PROJECT,
            capture_output=True,
            timeout=PATIENCE_SECONDS + 30,
            check=False,
        )
    if done.returncode:
        raise BenchmarkError(f"the load generator failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return json.loads(done.stdout)
