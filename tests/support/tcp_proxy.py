"""A stretch of network before a server, which a test can cut, close or make swallow everything.

with TcpProxy(("127.0.0.1", 5432)) as road:
    road.close()                        # nobody listens any more, and what was open is cut
    road.hang()                         # bytes go in and none come out, in old and new connections
    road.open()                         # as before; what hung has arrived when this returns
    road.trap(b"COMMIT", then="cut")    # the connection that sends this is lost
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Literal, Self

CHUNK = 65_536
# Seconds. Whoever connected and never said a word holds up nobody for longer.
ARRIVES_WITHIN = 5


Then = Literal["cut", "close", "hang"]


@dataclass
class Trap:
    """What happens when a client sends `word`, having sent `first` before on the same connection."""

    word: bytes
    first: bytes
    then: Then
    deliver: bool
    sprung: threading.Event


class _Line:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.server: socket.socket | None = None
        self.sent = b""
        # Once deaf, nothing that the server says gets back; `answered` tells that it said something.
        self.deaf = threading.Event()
        self.answered = threading.Event()
        # From a client's word, its first included, until the server has it.
        self.holds = True

    def cut(self) -> None:
        for end in (self.client, self.server):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()


class TcpProxy:
    """Passes connections on to `target`. Usable as a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self._listener: socket.socket | None = None
        self._flowing = threading.Event()
        self._lines: set[_Line] = set()
        self._lock = threading.Lock()
        self._trap: Trap | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # What a test may do

    def open(self) -> None:
        """Let everything through. What hung is with the server before this returns."""
        with self._lock:
            self._trap = None
        self._flowing.set()
        self._let_arrive()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Nobody listens, and every connection is cut."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # Wakes the thread that waits in accept.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()
        # Whoever waited for the flow finds the connection gone.
        self._flowing.set()

    def cut(self) -> None:
        """Every connection is cut; new ones are welcome."""
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.cut()

    def hang(self) -> None:
        """Connections stand, and nothing goes through them."""
        self._flowing.clear()

    def trap(self, word: bytes, *, then: Then, first: bytes = b"", deliver: bool = False) -> threading.Event:
        """Lie in wait for the next connection that sends `word`, having sent `first` before.

        It is cut before anything comes back; with `close` so is everything else, and nobody listens any more; with
        `hang` everything hangs, and the word arrives when the road is open again. With `deliver` the server got the
        word before the cut, and has carried it out. The event is set when it happened.
        """
        sprung = threading.Event()
        self._trap = Trap(word=word, first=first, then=then, deliver=deliver, sprung=sprung)
        return sprung

    # Inside

    def _let_arrive(self) -> None:
        end = time.monotonic() + ARRIVES_WITHIN
        while self._holds_something() and time.monotonic() < end:
            time.sleep(0.005)

    def _holds_something(self) -> bool:
        with self._lock:
            return any(line.holds for line in self._lines)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(_Line(client),), daemon=True).start()

    def _serve(self, line: _Line) -> None:
        with self._lock:
            self._lines.add(line)
        self._flowing.wait()
        try:
            line.server = socket.create_connection(self.target, timeout=60)
            line.server.settimeout(None)
        except OSError:
            line.cut()
            return
        threading.Thread(target=self._pass_back, args=(line,), daemon=True).start()
        self._pass_on(line)

    def _pass_on(self, line: _Line) -> None:
        """From client to server."""
        assert line.server is not None
        with contextlib.suppress(OSError):
            while data := line.client.recv(CHUNK):
                line.holds = True
                self._flowing.wait()
                if trap := self._springs(line, data):
                    self._carry_out(trap, line, data)
                    if trap.then != "hang":
                        break
                    self._flowing.wait()
                line.server.sendall(data)
                line.holds = False
        self._forget(line)

    def _carry_out(self, trap: Trap, line: _Line, data: bytes) -> None:
        if trap.then == "hang":
            self.hang()
            trap.sprung.set()
            return
        if trap.deliver:
            assert line.server is not None
            line.deaf.set()
            line.server.sendall(data)
            # It is done when the server answers.
            line.answered.wait(60)
        # Before the cut: whoever feels it may look at once whether the trap sprang.
        trap.sprung.set()
        if trap.then == "close":
            self.close()
        line.cut()

    def _pass_back(self, line: _Line) -> None:
        """From server to client."""
        assert line.server is not None
        with contextlib.suppress(OSError):
            while data := line.server.recv(CHUNK):
                if line.deaf.is_set():
                    line.answered.set()
                    return
                self._flowing.wait()
                line.client.sendall(data)
        self._forget(line)

    def _springs(self, line: _Line, data: bytes) -> Trap | None:
        # One connection only: another that says the word at the same moment goes on.
        with self._lock:
            trap = self._trap
            if trap is None:
                return None
            line.sent = (line.sent + data)[-4 * CHUNK :]
            if trap.first not in line.sent or trap.word not in data:
                return None
            self._trap = None
            return trap

    def _forget(self, line: _Line) -> None:
        with self._lock:
            self._lines.discard(line)
        line.cut()
