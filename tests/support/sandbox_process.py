"""The sandbox as a real process, for tests that speak to the outside world."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from tests.support.ports import find_free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOP_SECONDS = 30
# For answers and for what the sandbox does by itself.
PATIENCE = 30

ResultT = TypeVar("ResultT")


class SandboxProcess:
    """`python -m sandbox` on a free port. Usable as a context manager.

    `data` is a folder, or `:memory:` for a book that a restart loses. Other keyword arguments are start
    options: `SandboxProcess(settle_ms=0, callback_method="POST")`; a value of True is a bare flag.
    """

    def __init__(self, *, data: str | Path = ":memory:", port: int | None = None, **options: object) -> None:
        self.port = port or find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        self.http.trust_env = False
        self._arguments = ["--port", str(self.port), "--data", str(data)]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            self._arguments += [flag] if value is True else [flag, str(value)]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # Life

    def start(self) -> Self:
        """Start and wait until it answers. Raises AssertionError with its output when it does not."""
        # Settings of a developer's shell must not change what a test sees.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *self._arguments],
            cwd=ROOT,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.wait_until(self._answers, seconds=START_SECONDS, what="the sandbox to answer")
        return self

    def stop(self) -> None:
        """Ask it to end, and wait. Does nothing when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it between two instructions (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it, if it still runs, and start it again on the same port and data."""
        self.stop()
        self.start()

    @property
    def output(self) -> str:
        """What it has written so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _end(self, signal_number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal_number)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        finally:
            self._process.kill()
            self._process = None
        self.http.close()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the sandbox ended with {self._process.returncode}:\n{self.output}")
        try:
            return self.http.get(f"{self.url}/_sandbox/health", timeout=PATIENCE).ok
        except requests.RequestException:
            return False

    # Control

    def get(self, path: str, **query: object) -> Any:
        """JSON at a control path, such as `momo/transfers`. None values of the query are left out."""
        return self._read(self.http.get(f"{self.url}/_sandbox/{path}", params=query, timeout=PATIENCE))

    def post(self, path: str, body: object = None) -> Any:
        """The answer to a control order. Raises AssertionError with the sandbox's words when refused."""
        return self._read(self.http.post(f"{self.url}/_sandbox/{path}", json=body or {}, timeout=PATIENCE))

    def _read(self, response: requests.Response) -> Any:
        assert response.ok, f"{response.status_code} {response.text}"
        return response.json()

    def reset(self) -> None:
        """Empty books, full floats, no faults, first behaviour. Tokens stay valid."""
        self.post("reset")

    def faults(self, mode: str, **order: object) -> Any:
        """Set the mobile money fault: `faults("timeout_after_accept", times=1, delayMs=200)`."""
        return self.post("momo/faults", {"mode": mode, **order})

    def collection_faults(self, mode: str, **order: object) -> Any:
        """Set the fault of Collections, as `faults` does for Disbursements."""
        return self.post("momo/collections/faults", {"mode": mode, **order})

    def collections(self, **filters: object) -> list[dict[str, Any]]:
        """The book of requests to pay, oldest first. Filters as for transfers."""
        requests: list[dict[str, Any]] = self.get("momo/collections", **filters)
        return requests

    def collection_callbacks(self, reference_id: str | None = None) -> list[dict[str, Any]]:
        """Callbacks about requests to pay: subject, method, url, state, result."""
        callbacks: list[dict[str, Any]] = self.get("momo/collections/callbacks", referenceId=reference_id)
        return callbacks

    def settle_collections(self, reference_id: str | None = None) -> int:
        """Have held requests to pay end, or one now; how many there were."""
        order = {} if reference_id is None else {"referenceId": reference_id}
        released: int = self.post("momo/collections/settle", order)["released"]
        return released

    def sms_faults(self, mode: str, **order: object) -> Any:
        return self.post("sms/faults", {"mode": mode, **order})

    def behaviour(self, **changes: object) -> Any:
        """Change how mobile money behaves until the next reset: `behaviour(settleMs=0)`."""
        return self.post("momo/behaviour", changes)

    def settle(self, reference_id: str | None = None) -> int:
        """Let held transfers go, or settle one now; how many there were."""
        order = {} if reference_id is None else {"referenceId": reference_id}
        released: int = self.post("momo/settle", order)["released"]
        return released

    def set_float(self, amount: int | str, currency: str) -> Any:
        return self.post("momo/float", {"amount": amount, "currency": currency})

    def float_of(self, environment: str) -> int | float:
        """What is left, in whole units."""
        for line in self.get("momo/float"):
            if line["environment"] == environment:
                amount: int | float = line["amount"]
                return amount
        raise AssertionError(f"no such environment: {environment}")

    def transfers(self, **filters: object) -> list[dict[str, Any]]:
        """The book, oldest first. Filters: externalId, partyId, status, limit."""
        transfers: list[dict[str, Any]] = self.get("momo/transfers", **filters)
        return transfers

    def callbacks(self, reference_id: str | None = None) -> list[dict[str, Any]]:
        """Callbacks put in the post: subject, method, url, state, result."""
        callbacks: list[dict[str, Any]] = self.get("momo/callbacks", referenceId=reference_id)
        return callbacks

    def sms(self, to: str | None = None) -> list[dict[str, Any]]:
        """Messages that reached a phone, oldest first."""
        messages: list[dict[str, Any]] = self.get("sms", to=to)
        return messages

    def send_reports_to(self, url: str) -> None:
        self.post("sms/delivery-url", {"url": url})

    def wait_until(self, look: Callable[[], ResultT], *, seconds: float = PATIENCE, what: str = "it") -> ResultT:
        """The first true value of `look()`. Raises AssertionError after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds} s for {what}\n{self.output}")
            time.sleep(0.01)
