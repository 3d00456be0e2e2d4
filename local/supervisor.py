"""Starts the children, watches them and the servers, starts again what dies, stops everything in order."""

import http.client
import time
from dataclasses import dataclass, field

from local import disk
from local.errors import LocalError
from local.interruption import Interruption
from local.ports import HOST
from local.processes import Child, end_group
from local.screen import say, say_lines
from local.server import EmbeddedServer
from local.servers import ServerPair

SETTLED_SECONDS = 10.0  # a child that lived this long once had a good start
FORGIVEN_SECONDS = 60.0  # and after this long its earlier crashes count no more
HOPELESS_CRASHES = 3
LONGEST_DELAY_SECONDS = 30.0
DISK_CHECK_SECONDS = 30.0
WATCH_SECONDS = 0.25
LAST_WORDS = 12


@dataclass
class Watched:
    """What the supervisor remembers about one child or server."""

    started: float = 0.0
    crashes: int = 0
    settled: bool = False
    due: float | None = None  # when it is to be started again

    def note_crash(self, now: float) -> float:
        """Count a crash; the seconds to wait before the next start."""
        lived = now - self.started
        self.settled = self.settled or lived >= SETTLED_SECONDS
        if lived >= FORGIVEN_SECONDS:
            self.crashes = 0
        self.crashes += 1
        delay = min(2.0 ** (self.crashes - 1), LONGEST_DELAY_SECONDS)
        self.due = now + delay
        return delay


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An address that answers 200 when a child is ready."""

    child: str
    port: int
    path: str

    def ask(self) -> str:
        """Empty when it is ready, else what it said."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", self.path)
            response = connection.getresponse()
            body = response.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        return "" if response.status == http.HTTPStatus.OK else f"{response.status} {body}"


@dataclass(kw_only=True)
class Supervisor:
    """`children` are started in the order given and stopped in the opposite one."""

    children: list[Child]
    servers: ServerPair
    interruption: Interruption
    watched: dict[str, Watched] = field(default_factory=dict)
    disk_checked: float = 0.0
    disk_low: bool = False

    def start(self, name: str) -> None:
        """Start one child by its name."""
        child = next(child for child in self.children if child.name == name)
        child.log.rotate()
        self._start(child, now=time.monotonic())

    def start_rest(self) -> None:
        """Start the children that were never started."""
        for child in self.children:
            if child.name not in self.watched:
                self.start(child.name)

    def wait_until_ready(self, probes: list[Probe], *, seconds: float) -> None:
        """Watch until every probe answers.

        Raises `LocalError` when one does not in time or a child cannot be started, `Interrupted` when
        we are asked to stop.
        """
        end = time.monotonic() + seconds
        waiting = list(probes)
        answer = ""
        while waiting:
            self.interruption.raise_if_asked()
            self.check(now=time.monotonic())
            answer = waiting[0].ask()
            if not answer:
                waiting.pop(0)
            elif time.monotonic() > end:
                child = next(child for child in self.children if child.name == waiting[0].child)
                self._say_last_words(child)
                raise LocalError(
                    f"{child.name} was not ready after {seconds:.0f} s ({answer.strip()}): see {child.log.path}"
                )
            else:
                self.interruption.pause(WATCH_SECONDS)

    def watch(self) -> None:
        """Keep everything running until we are asked to stop. Raises `LocalError` when that is hopeless."""
        while not self.interruption.asked:
            self.check(now=time.monotonic())
            self.interruption.pause(WATCH_SECONDS)

    def check(self, *, now: float) -> None:
        """One look at everything: start again what died and is due."""
        for server in self.servers.embedded:
            if not server.is_running():
                self._restart_server(server, now=now)
        for child in self.children:
            memory = self.watched.get(child.name)
            if memory is None:
                continue
            if memory.due is not None:
                if now >= memory.due:
                    self._start(child, now=now)
            elif (code := child.exit_code()) is not None:
                self._note_crash(child, memory, code=code, now=now)
        if now - self.disk_checked >= DISK_CHECK_SECONDS:
            self.disk_checked = now
            self._check_disk()

    def stop(self) -> None:
        """Stop the children, the last started first. A second Ctrl-C makes it short."""
        for child in reversed(self.children):
            if not child.stop(self.interruption):
                say(f"{child.name} did not finish in time and was ended by force")

    def _start(self, child: Child, *, now: float) -> None:
        memory = self.watched.setdefault(child.name, Watched())
        memory.started, memory.due = now, None
        child.start()

    def _note_crash(self, child: Child, memory: Watched, *, code: int, now: float) -> None:
        if child.process is not None:
            end_group(child.process.pid)  # its own children would keep its port
        delay = memory.note_crash(now)
        say(f"{child.name} ended unexpectedly ({describe_exit(code)}). Its last words:")
        self._say_last_words(child)
        if not memory.settled and memory.crashes >= HOPELESS_CRASHES:
            raise LocalError(f"{child.name} ended {memory.crashes} times at its start: see {child.log.path}")
        say(f"{child.name} is started again in {delay:.0f} s; its log: {child.log.path}")

    def _restart_server(self, server: EmbeddedServer, *, now: float) -> None:
        memory = self.watched.setdefault(server.name, Watched(started=now - FORGIVEN_SECONDS))
        memory.note_crash(now)
        if memory.crashes >= HOPELESS_CRASHES:
            raise LocalError(f"{server.name} ended {memory.crashes} times in short order: see {server.log.path}")
        say(f"{server.name} ended unexpectedly; starting it again on its data")
        server.start(may_move=False)
        memory.started = time.monotonic()
        say(f"{server.name} is back")

    def _say_last_words(self, child: Child) -> None:
        say_lines(child.log.tail(LAST_WORDS) or ["(none)"])

    def _check_disk(self) -> None:
        folder = self.servers.folders.data
        free = min(disk.get_free_mb(folder), disk.get_free_mb(self.servers.folders.servers))
        if free < disk.LOW_MB and not self.disk_low:
            say(f"only {free} MB are free on the disk of {folder}: free some space, at 0 everything stops")
        self.disk_low = free < disk.LOW_MB


def describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"
