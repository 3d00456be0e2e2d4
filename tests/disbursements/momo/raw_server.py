"""A server that answers with exactly the bytes it is told, for answers no decent server gives."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

Answer = Callable[[socket.socket], None]


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RawServer:
    """Answers each call from `answers[path]`, one answer a call, the last one for ever; closes after each."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closing = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.set()
        self._listener.close()

    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.seen]

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=[connection], daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            try:
                seen = read_request(connection)
                if seen is None:
                    return
                self.seen.append(seen)
                answers = self.answers.get(seen.path) or self.answers["*"]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                answer(connection)
            except OSError:
                return  # the client has gone, which is often the point


def read_request(connection: socket.socket) -> Seen | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    method, path, _version = first.split(" ")
    return Seen(method, path, headers, body)


def say(status: int, body: bytes | str = b"", *, headers: Iterable[str] = (), length: int | None = None) -> Answer:
    """A whole answer. `length` lies about the body's."""
    content = body.encode() if isinstance(body, str) else body
    stated = len(content) if length is None else length
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {stated}", "Connection: close", *headers, "", ""]
    return raw("\r\n".join(lines).encode() + content)


def say_json(status: int, document: object) -> Answer:
    return say(status, json.dumps(document), headers=["Content-Type: application/json"])


def say_token(value: str = "a-token", seconds: object = 3600) -> Answer:
    return say_json(200, {"access_token": value, "token_type": "access_token", "expires_in": seconds})


def raw(content: bytes) -> Answer:
    return lambda connection: connection.sendall(content)


def drip(content: bytes, *, pause: float) -> Answer:
    """A byte at a time."""

    def answer(connection: socket.socket) -> None:
        for position in range(len(content)):
            connection.sendall(content[position : position + 1])
            time.sleep(pause)

    return answer


def hang_up(connection: socket.socket) -> None:
    """Close without a word."""


def stay_silent(connection: socket.socket) -> None:
    """Say nothing until the client has gone."""
    connection.settimeout(60)
    connection.recv(1)
