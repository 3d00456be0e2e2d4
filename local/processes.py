"""One child of the supervisor: web, worker, beat or sandbox."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from local.connection import write_private
from local.errors import LocalError
from local.folders import PROJECT
from local.interruption import STEP_SECONDS, Interruption
from local.logs import LogFile

# The system's idea of when a process began moves a little whenever the clock is set right.
CLOCK_SLACK_SECONDS = 2.0


class Child:
    """A program that runs for as long as we do, in a session of its own and with its own log.

    What runs is noted in `notes`, so that a run after a killed one can end what was left.
    """

    def __init__(
        self,
        *,
        name: str,
        argv: list[str],
        environ: Mapping[str, str],
        logs: Path,
        notes: Path,
        stop_seconds: float,
    ) -> None:
        self.name = name
        self.argv = argv
        self.environ = environ
        self.log = LogFile(logs / f"{name}.log")
        self.note = notes / f"{name}.json"
        self.stop_seconds = stop_seconds
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open() as output:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=dict(self.environ),
                start_new_session=True,
            )
        self.note.parent.mkdir(mode=0o700, exist_ok=True)
        started = psutil.Process(self.process.pid).create_time()
        write_private(self.note, json.dumps({"pid": self.process.pid, "started": started}))

    def exit_code(self) -> int | None:
        """`None` while it runs. Before its first start it counts as ended."""
        return 0 if self.process is None else self.process.poll()

    def stop(self, interruption: Interruption) -> bool:
        """Ask it to finish what it has in hand, wait, and end it by force when it does not or we hurry.

        False when force was needed.
        """
        process, self.process = self.process, None
        if process is None:
            return True
        clean = True
        if process.poll() is None:
            process.terminate()
            clean = _wait(process, seconds=self.stop_seconds, interruption=interruption)
        end_group(process.pid)
        process.wait()
        self.note.unlink(missing_ok=True)
        return clean


def _wait(process: subprocess.Popen[bytes], *, seconds: float, interruption: Interruption) -> bool:
    end = time.monotonic() + seconds
    while process.poll() is None:
        if interruption.hurry or time.monotonic() > end:
            return False
        time.sleep(STEP_SECONDS / 2)
    return True


def end_group(pid: int) -> None:
    """Kill what is left of a child's session, such as the workers of a killed master."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the second of zombies
        os.killpg(pid, signal.SIGKILL)


def end_leftovers(notes: Path) -> list[str]:
    """End the children that a killed run left behind; their names."""
    ended = []
    for note in sorted(notes.glob("*.json")):
        try:
            stored = json.loads(note.read_text())
            leftovers = _find_session(leader=int(stored["pid"]), started=float(stored["started"]))
        except (ValueError, KeyError, TypeError):
            leftovers = []
        if leftovers:
            ended.append(note.stem)
            leftovers[0].terminate()  # the leader when it lives: it ends the others
            _, alive = psutil.wait_procs(leftovers, timeout=10)
            for process in alive:
                process.kill()
        note.unlink(missing_ok=True)
    return ended


def _find_session(*, leader: int, started: float) -> list[psutil.Process]:
    """The live processes of a child's session, its leader first.

    Numbers come round again, so a leader is believed only with the time it began, and the others (which
    outlive a killed leader and keep its port) only when they began after it and work in our folder.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != leader and os.getsid(process.pid) != leader:
                continue
            after = process.create_time() - started
            if process.pid == leader and abs(after) > CLOCK_SLACK_SECONDS:
                return []
            ours = after > -CLOCK_SLACK_SECONDS and Path(process.cwd()).samefile(PROJECT)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return sorted(found, key=lambda process: process.pid != leader)


def run_step(
    arguments: list[str],
    *,
    environ: Mapping[str, str],
    log: LogFile,
    interruption: Interruption,
) -> str:
    """Run `manage.py` once to its end; what it printed, which may be secret and is logged only on failure.

    Raises `LocalError` with its last words when it fails, `Interrupted` when we are asked to stop.
    """
    with tempfile.TemporaryFile() as output, log.open() as errors:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=PROJECT,
            env=dict(environ),
            start_new_session=True,
        )
        while process.poll() is None:
            if interruption.asked:
                process.terminate()
                _wait(process, seconds=5, interruption=interruption)
                end_group(process.pid)
                process.wait()
                interruption.raise_if_asked()
            time.sleep(STEP_SECONDS / 2)
        output.seek(0)
        printed = output.read().decode(errors="replace")
        if process.returncode:
            reason = log.find_reason() or f"exit {process.returncode}"
            errors.write(printed.encode())
            raise LocalError(f"manage.py {arguments[0]} failed ({reason}): see {log.path}")
    return printed
