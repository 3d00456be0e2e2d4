"""One embedded server as a process: what PostgreSQL and Valkey have in common.

Each runs as a child in a session of its own, so that Ctrl-C in the terminal does not reach it, and writes
its log to a file, never to a pipe: an inherited pipe keeps its reader waiting for ever.
"""

import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

import psutil

from local import ports
from local.connection import Connection, load_connection, make_connection, store_connection
from local.disk import full_disk_error, says_disk_full
from local.errors import LocalError
from local.folders import Folders
from local.logs import LogFile
from local.owner import Owner

START_SECONDS = 120  # recovery after a crash may have much to read; a dead server is noticed at once
STOP_SECONDS = 30
# The servers get no environment of ours: no secret of the project, no locale, no library path.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class PortTaken(Exception):
    """Somebody took the port between our look and the server's start."""


class EmbeddedServer(ABC):
    """The life of one server process; `Postgres` and `Valkey` say what is special about theirs.

    `prepare` once, then `start` and `stop` as often as needed.
    """

    name: str
    variable: str
    stop_signal: signal.Signals
    roles: tuple[str, ...]
    pid_file_name: str

    def __init__(self, *, folders: Folders, owner: Owner, home: Path, preferred_port: int, throwaway: bool) -> None:
        self.folders = folders
        self.owner = owner
        self.home = home
        self.data = home / "data"
        self.preferred_port = preferred_port
        self.throwaway = throwaway
        self.log = LogFile(folders.logs / f"{self.name}.log")
        self.connection = Connection(port=0, passwords={}, throwaway=throwaway)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """How the product reaches it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the process that we started serves now."""

    @abstractmethod
    def make_data(self) -> None:
        """Make `self.data`, whole or not at all."""

    @abstractmethod
    def run_on(self, port: int) -> None:
        """Start the process on `port` with `spawn`."""

    @abstractmethod
    def set_up(self) -> None:
        """Make what the product needs inside the running server, unless it is there."""

    def prepare(self) -> None:
        """Have data to start on, made now or found again. Data of a throwaway run are made anew."""
        stored = load_connection(self.home)
        if self.data.exists():
            self._refuse_foreign_data()
            self._end_leftover()
            if stored is None:
                raise LocalError(
                    f"{self.home / 'connection.json'} is missing: remove {self.home} to begin anew (its data are lost)"
                )
        if stored and self.throwaway and not stored.throwaway:
            raise LocalError(f"{self.home} holds data that are to be kept: choose another folder with --data")
        if stored and stored.throwaway:
            self.forget()
            stored = None
        if stored is None:
            self.home.mkdir(exist_ok=True)
            self.home.chmod(0o711 if self.owner.switched else 0o700)
            stored = make_connection(roles=self.roles, throwaway=self.throwaway)
            store_connection(self.home, stored)
        self.connection = stored
        if not self.data.exists():
            self.make_data()

    def start(self, *, may_move: bool = True) -> None:
        """Serve, on the port of the last start if it is free, else (if it may move) on any free one.

        Raises `LocalError` with the server's last words when it does not come up.
        """
        self._end_leftover()
        for _ in range(20):
            port = self.connection.port or self.preferred_port
            if may_move:
                port = ports.choose_port(port)
            try:
                self.run_on(port)
            except PortTaken:
                if not may_move:
                    ports.require_free_port(port, variable=self.variable)
            except LocalError:
                # after a crash the old processes need a moment to let go of their shared memory
                if "still in use" not in self.log.read_since_start():
                    raise
                time.sleep(0.25)
            else:
                self.connection.port = port
                store_connection(self.home, self.connection)
                self.set_up()
                return
        raise LocalError(f"{self.name} did not start: see {self.log.path}")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask the server to store everything and end; force it only when it does not in time."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(self.stop_signal)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def forget(self) -> None:
        """Delete the data, if a throwaway run made them. Data that are to be kept are never deleted."""
        stored = load_connection(self.home)
        if stored and stored.throwaway:
            shutil.rmtree(self.home, ignore_errors=True)

    def spawn(self, argv: list[str], *, stdin: str = "") -> None:
        """Start the process in its data folder and wait until it serves.

        Raises `PortTaken`, or `LocalError` with its last words when it ends instead.
        """
        with self.log.open() as output:
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=self.data,
                    env=ENVIRONMENT,
                    start_new_session=True,
                    **self.owner.popen_arguments(),
                )
            except OSError as error:
                raise LocalError(f"{self.name} cannot run as {self.owner.name}: {error.strerror}") from error
        self.process = process
        _write_input(process, stdin)
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if process.poll() is not None:
                self.process = None
                self._explain_end()
            if time.monotonic() > end:
                self.stop()
                raise LocalError(f"{self.name} did not answer in {START_SECONDS} s: see {self.log.path}")
            time.sleep(0.01)

    def _explain_end(self) -> None:
        words = self.log.read_since_start()
        if says_disk_full(words):
            raise full_disk_error(self.folders.servers)
        if "address already in use" in words.lower():
            raise PortTaken
        last = " / ".join(line.strip() for line in self.log.tail(3)) or "no words"
        raise LocalError(f"{self.name} did not start ({last}): see {self.log.path}")

    def _refuse_foreign_data(self) -> None:
        maker = self.data.stat().st_uid
        if maker != self.owner.uid:
            raise LocalError(
                f"{self.data} was made by uid {maker} and this run would use uid {self.owner.uid} "
                f"({self.owner.name}): run as before, or set DATA_DIR to another folder"
            )

    def _end_leftover(self) -> None:
        """Stop the server that an earlier, killed run left on our data, and remove its pid file.

        The pid alone proves nothing: it may be a zombie, which `kill(pid, 0)` calls alive, or belong to
        somebody else by now. Only a live process that works inside our own folder is ours.
        """
        pid_file = self.data / self.pid_file_name
        try:
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).samefile(self.data):
                process.send_signal(self.stop_signal)
                process.wait(timeout=STOP_SECONDS)
        except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess, psutil.AccessDenied):
            pass
        except psutil.TimeoutExpired as error:
            raise LocalError(
                f"{self.name} of an earlier run does not stop: end it by hand (kill -9 {error.pid})"
            ) from None
        pid_file.unlink(missing_ok=True)


def _write_input(process: subprocess.Popen[bytes], text: str) -> None:
    pipe = process.stdin
    if pipe is None:
        return
    try:
        with pipe:
            pipe.write(text.encode())
    except BrokenPipeError:
        pass  # it ended before it read: its log says why
