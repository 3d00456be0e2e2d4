"""The test's side of `tests.crash.worker`: orders go out, deaths come back."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
START = "import django; django.setup(); from tests.crash.worker import main; main()"


@dataclass(frozen=True)
class Life:
    """How a worker ended: killed or at rest, the steps it passed, and its clock at the last of them."""

    killed: bool
    steps: list[str]
    at: datetime


class Workers:
    """Worker processes on the test's database, one at a time. Usable as a context manager."""

    def __init__(self, *, sandbox_url: str, public_url: str) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._environment = own_environment(SANDBOX_URL=sandbox_url, PUBLIC_URL=public_url)
        self._sandbox_url = sandbox_url
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # A group of its own: a worker that hangs goes with its parent.
            start_new_session=True,
        )
        assert self._read() == "ready", self.output

    def _stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    @property
    def output(self) -> str:
        """What the workers wrote last."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-20_000:]

    def work(
        self,
        *,
        at: datetime,
        for_: timedelta,
        only: object = "",
        fatal: str = "",
        times: int = 1,
        await_callbacks: bool = False,
        naive: bool = False,
    ) -> Life:
        """A worker that starts at `at` and has `for_` on its clock; killed the `times`-th time it passes `fatal`.

        It takes whatever is due, or with `only` that one payout. With `await_callbacks` none is on its way when the
        clock moves. A naive one takes silence for failure.
        """
        return self._live(
            at=at,
            seconds=for_.total_seconds(),
            only=str(only),
            fatal=fatal,
            times=times,
            callbacks_of=self._sandbox_url if await_callbacks else "",
            naive=naive,
            request=None,
        )

    def answer(
        self,
        *,
        path: str,
        body: str,
        content_type: str,
        at: datetime,
        fatal: str,
        headers: Mapping[str, str] | None = None,
    ) -> Life:
        """A web process that gets one request."""
        request = {"path": path, "body": body, "content_type": content_type, "headers": dict(headers or {})}
        return self._live(at=at, fatal=fatal, times=1, naive=False, request=request)

    def _live(self, **order: Any) -> Life:
        try:
            told = self._exchange(json.dumps(order, default=datetime.isoformat))
        except BaseException:
            # Nobody shall read the answer to this order for the answer to the next.
            self._stop()
            self._start()
            raise
        killed = os.WIFSIGNALED(told["status"]) and os.WTERMSIG(told["status"]) == signal.SIGKILL
        assert killed or told["status"] == 0, f"a worker failed after {told['steps']}\n{self.output}"
        return Life(killed=killed, steps=told["steps"], at=datetime.fromisoformat(told["at"]))

    def _exchange(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._read())
        return told

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the worker process ended:\n{self.output}"
        return line.strip()


def own_environment(**changes: str) -> dict[str, str]:
    """The environment of a process that is to share this test's database and Redis keys."""
    servers = os.environ["DATABASE_URL"].rpartition("/")[0]
    # The test settings put the name of the test process behind the prefix once more.
    suffix = "-" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"{servers}/{connection.settings_dict['NAME']}",
        "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX.removesuffix(suffix),
        **changes,
    }
