"""`python -m benchmarks.load FILE`: sends prepared requests over keep-alive connections and times each answer.

A process of its own that does next to nothing per request, so that on a small machine it takes little from those it
measures. FILE is JSON: {"port", "connections", "requests": [text, …], "expect": start of a right body}. Prints JSON.
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# A rush that takes longer than this has failed.
PATIENCE_SECONDS = 60


class Rush:
    """The requests still to be sent, shared by all connections, and what came of those that were."""

    def __init__(self, requests: list[bytes], expect: bytes) -> None:
        self.requests = deque(requests)
        self.expect = expect
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.missing = len(requests)
        self.open_connections = 0
        self.done = asyncio.get_running_loop().create_future()

    def count(self, answer: str | None, seconds: float) -> None:
        """One request is over: with a right answer (None) or a wrong one."""
        if answer is None:
            self.seconds.append(seconds)
        else:
            self.wrong.append(answer)
        self.missing -= 1
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class Caller(asyncio.Protocol):
    """One connection: sends a request, reads the whole answer, sends the next."""

    transport: asyncio.Transport

    def __init__(self, rush: Rush) -> None:
        self.rush = rush
        self.buffer = b""
        self.sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.rush.open_connections += 1

    def send_next(self) -> None:
        if self.rush.requests:
            request = self.rush.requests.popleft()
            self.sent_at = time.perf_counter()
            self.transport.write(request)
        else:
            self.sent_at = 0.0

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self.buffer, 0, head_end)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self.buffer) < end:
            return
        seconds = time.perf_counter() - self.sent_at
        is_right = self.buffer.startswith(self.rush.expect, head_end + 4) and self.buffer[9:12] == b"200"
        self.rush.count(None if is_right else self.buffer[:600].decode(errors="replace"), seconds)
        self.buffer = self.buffer[end:]
        self.send_next()

    def connection_lost(self, _error: Exception | None) -> None:
        if self.sent_at:
            self.rush.count("the server closed the connection", 0)
        self.rush.open_connections -= 1
        if not self.rush.open_connections:
            # Those left go out on the other connections; now there is none.
            while self.rush.requests:
                self.rush.requests.popleft()
                self.rush.count("no connection is left", 0)


async def rush(order: dict[str, Any]) -> dict[str, Any]:
    """Send everything; seconds in all, seconds of each right answer, the first wrong ones."""
    going = Rush([text.encode("latin-1") for text in order["requests"]], order["expect"].encode())
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: Caller(going), "127.0.0.1", order["port"]))[1]
        for _ in range(order["connections"])
    ]
    before = time.perf_counter()
    for caller in callers:
        caller.send_next()
    await asyncio.wait_for(going.done, timeout=PATIENCE_SECONDS)
    took = time.perf_counter() - before
    for caller in callers:
        caller.transport.close()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": took,
        "latencies": going.seconds,
        "wrong_count": len(going.wrong),
        "wrong": going.wrong[:3],
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(rush(json.loads(Path(sys.argv[1]).read_text())))))
