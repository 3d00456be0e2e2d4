"""The supervisor, with tiny children in place of web and worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from local.errors import LocalError
from local.folders import PROJECT, Folders
from local.interruption import Interrupted, Interruption
from local.logs import LARGE_BYTES, LogFile
from local.processes import Child, end_leftovers
from local.servers import ServerPair
from local.supervisor import Probe, Supervisor, Watched
from tests.local.conftest import MakePair

FOREVER = "import time; time.sleep(600)"
CRASH = "print('something broke'); exit(3)"
# says when it is asked to stop, after the words it is started with
POLITE = """
import signal, sys, time
def leave(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
MASTER = (
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('up', flush=True);" + FOREVER
)

MakeChild = Callable[..., Child]


@pytest.fixture
def make_child(folders: Folders) -> Iterator[MakeChild]:
    made: list[Child] = []

    def make(name: str, code: str, *arguments: str, stop_seconds: float = 30) -> Child:
        child = Child(
            name=name,
            argv=[sys.executable, "-c", code, *arguments],
            environ={"PATH": os.environ["PATH"]},
            logs=folders.logs,
            notes=folders.data / "children",
            stop_seconds=stop_seconds,
        )
        made.append(child)
        return child

    yield make
    hurry = Interruption()
    hurry.count = 2
    for child in made:
        child.stop(hurry)


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def is_up(child: Child) -> bool:
    return "up" in child.log.read_since_start()


def supervise(servers: ServerPair, *children: Child) -> Supervisor:
    return Supervisor(children=list(children), servers=servers, interruption=Interruption())


def test_crashed_child_is_named_quoted_and_started_again(
    servers_elsewhere: ServerPair, make_child: MakeChild, capsys: pytest.CaptureFixture[str]
) -> None:
    child = make_child("worker", CRASH)
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()
    wait_until(lambda: child.exit_code() is not None)
    now = time.monotonic()

    supervisor.check(now=now)

    assert capsys.readouterr().out.splitlines() == [
        "worker ended unexpectedly (exit 3). Its last words:",
        "    something broke",
        f"worker is started again in 1 s; its log: {child.log.path}",
    ]
    child.argv = [sys.executable, "-c", FOREVER]
    supervisor.check(now=now + 0.5)
    assert child.exit_code() == 3, "not before its time"
    supervisor.check(now=now + 1.1)
    assert child.exit_code() is None


def test_child_that_never_starts_well_ends_everything(servers_elsewhere: ServerPair, make_child: MakeChild) -> None:
    child = make_child("beat", CRASH)
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()

    with pytest.raises(LocalError, match=r"beat ended 3 times at its start: see .*beat\.log"):
        for now in range(1, 200, 4):
            wait_until(lambda: child.exit_code() is not None)
            supervisor.check(now=supervisor.watched["beat"].started + now % 8)


def test_delay_grows_with_crashes_and_is_forgiven_after_a_good_minute() -> None:
    memory = Watched(started=0.0)
    assert [memory.note_crash(now=1.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert not memory.settled

    memory.started = 100.0
    assert memory.note_crash(now=161.0) == 1
    assert memory.settled


def test_children_stop_in_the_opposite_order_of_their_start(
    servers_elsewhere: ServerPair, make_child: MakeChild, data: Path
) -> None:
    said = data / "said"
    children = [make_child(name, POLITE, str(said), name) for name in ("sandbox", "worker", "web")]
    supervisor = supervise(servers_elsewhere, *children)
    supervisor.start_rest()
    wait_until(lambda: all(is_up(child) for child in children))

    supervisor.stop()

    assert said.read_text().split() == ["web", "worker", "sandbox"]
    assert list((data / "children").iterdir()) == []


def test_child_that_does_not_stop_in_time_is_forced(
    servers_elsewhere: ServerPair, make_child: MakeChild, capsys: pytest.CaptureFixture[str]
) -> None:
    child = make_child("worker", STUBBORN, stop_seconds=0.2)
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()
    wait_until(lambda: is_up(child))
    process = child.process

    supervisor.stop()

    assert process.returncode == -signal.SIGKILL
    assert capsys.readouterr().out == "worker did not finish in time and was ended by force\n"


def test_second_request_to_stop_does_not_wait(servers_elsewhere: ServerPair, make_child: MakeChild) -> None:
    child = make_child("worker", STUBBORN, stop_seconds=100)
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()
    wait_until(lambda: is_up(child))
    supervisor.interruption.count = 2
    began = time.monotonic()

    supervisor.stop()

    assert time.monotonic() - began < 50


def test_children_of_a_killed_child_go_with_it(servers_elsewhere: ServerPair, make_child: MakeChild) -> None:
    child = make_child("web", MASTER)
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()
    wait_until(lambda: is_up(child))
    (grandchild,) = psutil.Process(child.process.pid).children()
    child.process.kill()
    child.process.wait()
    assert grandchild.is_running()

    supervisor.check(now=time.monotonic())

    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_what_a_killed_run_left_is_ended(make_child: MakeChild, folders: Folders) -> None:
    child, orphaned = make_child("web", FOREVER), make_child("worker", MASTER)
    child.start()
    orphaned.start()
    wait_until(lambda: is_up(orphaned))
    (grandchild,) = psutil.Process(orphaned.process.pid).children()
    orphaned.process.kill()
    orphaned.process.wait()

    ended = end_leftovers(folders.data / "children")

    assert sorted(ended) == ["web", "worker"]
    assert child.exit_code() is not None
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)
    assert end_leftovers(folders.data / "children") == []


def test_stranger_with_the_same_pid_is_left_alone(make_child: MakeChild, folders: Folders) -> None:
    child = make_child("web", FOREVER)
    child.start()
    noted = json.loads(child.note.read_text())
    with subprocess.Popen([sys.executable, "-c", FOREVER], cwd=PROJECT, start_new_session=True) as stranger:
        child.note.write_text(json.dumps({"pid": stranger.pid, "started": noted["started"] - 60}))

        assert end_leftovers(folders.data / "children") == []

        assert stranger.poll() is None
        stranger.kill()


def test_killed_server_is_back_with_its_data(make_pair: MakePair, capsys: pytest.CaptureFixture[str]) -> None:
    pair = make_pair({"REDIS_URL": "redis:///elsewhere"})
    pair.start()
    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        link.execute("CREATE TABLE kept AS SELECT 'money' AS word")
    supervisor = supervise(pair)
    (postgres,) = pair.embedded
    postgres.process.kill()
    postgres.process.wait()

    supervisor.check(now=time.monotonic())

    assert capsys.readouterr().out.splitlines() == [
        "postgres ended unexpectedly; starting it again on its data",
        "postgres is back",
    ]
    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        assert link.execute("SELECT word FROM kept").fetchone() == ("money",)


def test_child_that_never_gets_ready_is_told_with_its_answer(
    servers_elsewhere: ServerPair, make_child: MakeChild, capsys: pytest.CaptureFixture[str]
) -> None:
    child = make_child("web", f"print('still thinking', flush=True); {FOREVER}")
    supervisor = supervise(servers_elsewhere, child)
    supervisor.start_rest()
    wait_until(lambda: child.log.read_since_start() != "")

    with pytest.raises(LocalError, match=r"web was not ready after 0 s .*refused"):
        supervisor.wait_until_ready([Probe(child="web", port=1, path="/healthz/ready")], seconds=0.3)

    assert capsys.readouterr().out == "    still thinking\n"


def test_waiting_ends_when_we_are_asked_to_stop(servers_elsewhere: ServerPair) -> None:
    supervisor = supervise(servers_elsewhere)
    supervisor.interruption.count = 1

    with pytest.raises(Interrupted):
        supervisor.wait_until_ready([Probe(child="web", port=1, path="/")], seconds=60)
    supervisor.watch()


def test_disk_that_fills_up_is_told_once(
    servers_elsewhere: ServerPair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = supervise(servers_elsewhere)
    monkeypatch.setattr("local.disk.get_free_mb", lambda _folder: 40)

    for now in (100.0, 110.0, 140.0, 180.0):
        supervisor.check(now=now)

    said = capsys.readouterr().out
    assert said.startswith("only 40 MB are free on the disk of ")
    assert said.count("\n") == 1


def test_large_log_is_put_aside_at_the_next_start(data: Path) -> None:
    log = LogFile(data / "web.log")
    log.path.write_bytes(b"x" * (LARGE_BYTES + 1))

    log.rotate()
    with log.open() as file:
        file.write(b"first\n\n  second  \n")
    log.rotate()

    assert log.tail(2) == ["first", "  second"]
    assert (data / "web.log.1").stat().st_size == LARGE_BYTES + 1


def test_reason_is_the_exception_and_not_the_mark_under_it(data: Path) -> None:
    log = LogFile(data / "migrate.log")
    with log.open() as file:
        file.write(b"Traceback (most recent call last):\n  raise\n")
        file.write(b'django.db.utils.ProgrammingError: relation "x" does not exist\nLINE 1: SELECT\n        ^\n')
    assert log.find_reason() == 'django.db.utils.ProgrammingError: relation "x" does not exist'

    with log.open() as file:
        file.write(b"Unknown command: 'load_demo'\nType 'manage.py help' for usage.\n")
    assert log.find_reason() == "Type 'manage.py help' for usage."


def test_words_of_earlier_starts_are_not_quoted(data: Path) -> None:
    log = LogFile(data / "web.log")
    with log.open() as file:
        file.write(b"old trouble\n")
    with log.open() as file:
        file.write(b"new trouble\n")

    assert log.tail(5) == ["new trouble"]
