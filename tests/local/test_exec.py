"""`python -m local exec`: servers for one command, gone when it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from local.folders import PROJECT, hold_lock

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
ASK = (
    "import os, psycopg, redis;"
    "redis.Redis.from_url(os.environ['REDIS_URL']).ping();"
    "print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 40 + 2').fetchone()[0])"
)


def build_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", "exec", *arguments]


def build_environ(**variables: str) -> dict[str, str]:
    """As a person's shell has it: without the servers and keys of this test run."""
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ} | variables


def run_exec(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = build_environ(**variables)
    return subprocess.run(
        build_command(*arguments),
        check=False,
        env=environ,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_command_gets_servers_and_its_exit_code_is_ours(data: Path) -> None:
    ran = run_exec("--data", str(data), "--throwaway", "--", sys.executable, "-c", f"{ASK}; exit(7)")

    assert (ran.stdout, ran.stderr, ran.returncode) == ("42\n", "", 7)
    assert sorted(path.name for path in data.iterdir()) == ["keys.json", "lock", "logs"]


def test_command_sees_its_own_data_folder_and_the_urls_that_were_given(data: Path) -> None:
    ran = run_exec(
        "--data",
        str(data),
        "--",
        sys.executable,
        "-c",
        SHOW,
        SECRET_KEY="",
        DATABASE_URL="postgres:///x",
        REDIS_URL="redis:///y",
    )

    seen = json.loads(ran.stdout)
    names = ("DATA_DIR", "DATABASE_URL", "REDIS_URL")
    assert [seen[name] for name in names] == [str(data), "postgres:///x", "redis:///y"]
    assert json.loads((data / "keys.json").read_text())["SECRET_KEY"] == seen["SECRET_KEY"]


def test_fresh_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(data))
    monkeypatch.setattr(tempfile, "tempdir", None)

    ran = run_exec("--fresh", "--", "sh", "-c", "kill -9 $$")

    assert (ran.stderr, ran.returncode) == ("", 128 + signal.SIGKILL)
    assert list(data.iterdir()) == []


def test_command_that_does_not_exist_is_one_line(data: Path) -> None:
    ran = run_exec("--data", str(data), "--", "no-such-program", DATABASE_URL="postgres:///x", REDIS_URL="redis:///y")

    assert ran.stderr == "starhash: no-such-program cannot be run: No such file or directory\n"
    assert ran.returncode == 1


def test_second_run_on_the_same_folder_is_one_line(data: Path) -> None:
    with hold_lock(data):
        ran = run_exec("--data", str(data), "--", "true")

    assert ran.stderr.startswith(f"starhash: {data} is in use already (pid {os.getpid()}): stop that run")
    assert (ran.stderr.count("\n"), ran.returncode) == (1, 1)


def await_family(pid: int, names: set[str]) -> list[psutil.Process]:
    """The processes under `pid`, once these are among them: a shell says "up" before it becomes `sleep`."""
    deadline = time.monotonic() + 60
    while True:
        family = psutil.Process(pid).children(recursive=True)
        if names <= {member.name() for member in family}:
            return family
        assert time.monotonic() < deadline, [member.name() for member in family]
        time.sleep(0.02)


def test_request_to_stop_ends_the_command_and_then_the_servers(data: Path) -> None:
    command = build_command("--data", str(data), "--throwaway", "--", "sh", "-c", "echo up; exec sleep 60")
    with subprocess.Popen(command, env=build_environ(), cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        family = await_family(process.pid, {"sleep", "valkey-server"})

        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    # Whoever they are left to buries them in a moment.
    _gone, left = psutil.wait_procs(family, timeout=60)
    assert left == []
