"""The load generator against a small server: it must count every answer, and tell wrong ones."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.load import rush
from benchmarks.turns import post

Answer = Callable[[bytes], bytes]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """Answers each request on each connection with what `answer` makes of it, in two pieces; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(link: socket.socket) -> None:
        with link:
            while request := link.recv(65_536):
                reply = answer(request)
                if not reply:
                    return
                link.sendall(reply[:20])
                link.sendall(reply[20:])

    def accept() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def reply(body: str, *, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def order(port: int, count: int, *, connections: int = 3) -> dict[str, object]:
    requests = [post("/", {"number": str(number)}).decode() for number in range(count)]
    return {"port": port, "connections": connections, "requests": requests, "expect": "END "}


def test_every_request_is_sent_once_and_timed() -> None:
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        seen.append(request.rpartition(b"\r\n")[2])
        return reply("END ok")

    with server(answer) as port:
        found = asyncio.run(rush(order(port, 20)))

    assert sorted(seen) == sorted(f"number={number}".encode() for number in range(20))
    assert (len(found["latencies"]), found["wrong_count"]) == (20, 0)
    assert max(found["latencies"]) <= found["seconds"]


@pytest.mark.parametrize("bad", [reply("CON menu"), reply("END ok", status="503 Busy"), b""])
def test_wrong_answers_and_lost_connections_are_counted(bad: bytes) -> None:
    with server(lambda request: bad if request.endswith(b"number=4") else reply("END ok")) as port:
        found = asyncio.run(rush(order(port, 9)))

    assert (len(found["latencies"]), found["wrong_count"]) == (8, 1)


def test_a_server_that_drops_everybody_ends_the_rush() -> None:
    with server(lambda _request: b"") as port:
        found = asyncio.run(rush(order(port, 9)))

    assert (len(found["latencies"]), found["wrong_count"]) == (0, 9)
