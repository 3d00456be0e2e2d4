"""One embedded server as a process: what PostgreSQL and Valkey have in common.

Each runs as a child in a session of its own, so that Ctrl-C in the terminal does not reach it, and writes
its log to a file, never to a pipe: an inherited pipe keeps its reader waiting for ever.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from local.disk import full_disk_error, says_disk_full
from local.errors import LocalError
from local.folders import Folders
from local.logs import LogFile
from local.owner import Owner

START_SECONDS = 120  # recovery after a crash may have much to read; a dead server is noticed at once
STOP_SECONDS = 30


class PortTaken(Exception):
    """Somebody took the port between our look and the server's start."""


class EmbeddedServer:
    """The life of one server process; PostgreSQL and Valkey say what is special about theirs."""

    name: str
    stop_signal: signal.Signals

    def __init__(self, *, folders: Folders, owner: Owner, home: Path) -> None:
        self.folders = folders
        self.owner = owner
        self.home = home
        self.log = LogFile(folders.logs / f"{self.name}.log")
        self.process: subprocess.Popen[bytes] | None = None

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

    def is_ready(self) -> bool:
        """Whether the process that we started serves now."""
        raise NotImplementedError

    def _spawn(self, argv: list[str | Path], *, cwd: Path, stdin: bytes = b"") -> None:
        """Start the process and wait until it serves.

        Raises `PortTaken`, or `LocalError` with its last words when it ends instead.
        """
        with self.log.open() as output:
            try:
                self.process = subprocess.Popen(
                    [str(part) for part in argv],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=cwd,
                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                    start_new_session=True,
                    **self.owner.popen_arguments(),
                )
            except OSError as error:
                raise LocalError(
                    f"{self.name} cannot be started as {self.owner.name} ({error.strerror})"
                ) from error
        assert self.process.stdin is not None  # noqa: S101 -- for the type checker: it was asked for above
        with self.process.stdin as pipe:
            pipe.write(stdin)
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None:
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
        last = " / ".join(self.log.tail(3)) or "no words"
        raise LocalError(f"{self.name} did not start ({last}): see {self.log.path}")

    def _end_leftover(self, *, pid_file: Path, cwd: Path) -> None:
        """Stop the server that an earlier, killed run left on our data, and remove its pid file.

        The pid alone proves nothing: it may be a zombie, which `kill(pid, 0)` calls alive, or belong to
        somebody else by now. Only a live process that works inside our own folder is ours.
        """
        try:
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            if process.status() != psutil.STATUS_ZOMBIE and os.path.samefile(process.cwd(), cwd):
                process.send_signal(self.stop_signal)
                process.wait(timeout=STOP_SECONDS)
        except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess, psutil.AccessDenied):
            pass
        except psutil.TimeoutExpired:
            raise LocalError(
                f"{self.name} of an earlier run does not stop: end it by hand (kill -9 {process.pid})"
            ) from None
        pid_file.unlink(missing_ok=True)


def load_connection(path: Path) -> dict[str, Any]:
    """What was stored about a server (port, passwords); empty before its first start."""
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LocalError(
            f"{path} is damaged: remove {path.parent} to begin anew (its data are lost)"
        ) from error
    return dict(stored)


def store_connection(path: Path, connection: dict[str, Any]) -> None:
    """Store it for our account alone, whole or not at all."""
    write_private(path, json.dumps(connection))


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file that only our account can read; a crash leaves the old one or the new one."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
