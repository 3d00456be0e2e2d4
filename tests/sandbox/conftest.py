"""One sandbox process for all tests of it, reset before each; and a server that takes its callbacks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.sandbox.momo_client import MomoClient
from tests.support.ports import find_free_port
from tests.support.sandbox_process import SandboxProcess

ONGOING_MS = 400


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    content_type: str
    body: str


class Receiver(ThreadingHTTPServer):
    """Records every request and answers with `status`, or as long as there are some with the next of `first`."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port or find_free_port()), ReceiverHandler)
        self.received: list[Received] = []
        self.status = 200
        self.first: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/callback"


class ReceiverHandler(BaseHTTPRequestHandler):
    server: Receiver

    def take(self) -> None:
        status = self.server.first.pop(0) if self.server.first else self.server.status
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.command, self.path, self.headers["Content-Type"], body.decode()))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST = take

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(settle_ms=0, ongoing_ms=ONGOING_MS, report_ms=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def merchant(sandbox: SandboxProcess) -> MomoClient:
    """A merchant signed in to mtnrwanda."""
    client = MomoClient(sandbox)
    client.sign_in()
    return client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
