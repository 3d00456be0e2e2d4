"""`manage.py` finds the servers of a running `make run`, and nothing else follows a stale file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.local_servers import local_servers
from tests.config.processes import KEY, PRODUCTION, run_python

SHOW = "from django.conf import settings as s; print(s.DATABASES['default']['NAME'], s.REDIS_URL, s.SANDBOX)"


def leave(folder: Path, *, pid: object = None, **variables: str) -> None:
    """What `make run` leaves in its DATA_DIR."""
    body = {"pid": os.getpid() if pid is None else pid, "env": variables}
    (folder / "servers.json").write_text(json.dumps(body))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_variables_of_a_running_make_run_are_found(folder: Path) -> None:
    leave(folder, DATABASE_URL="postgres://x/found", SANDBOX="1")

    assert local_servers() == {"DATABASE_URL": "postgres://x/found", "SANDBOX": "1"}


def test_a_killed_run_is_ignored(folder: Path) -> None:
    leave(folder, pid=ended_pid(), DATABASE_URL="postgres://x/gone")

    assert local_servers() == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": "x"}', '{"pid": 1}', '{"pid": 1, "env": []}'])
def test_a_broken_file_is_ignored(folder: Path, text: str) -> None:
    (folder / "servers.json").write_text(text)

    assert local_servers() == {}


def test_a_missing_file_is_ignored(folder: Path) -> None:
    assert local_servers() == {}


def test_development_settings_use_them_and_the_shell_wins(tmp_path: Path) -> None:
    leave(
        tmp_path,
        DATABASE_URL="postgres://x/found",
        REDIS_URL="redis://found",
        SANDBOX="1",
        SECRET_KEY="found" * 12,
        FIELD_ENCRYPTION_KEYS=KEY,
    )
    env = {
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://shell",
        "SANDBOX": "",  # counts as unset
    }

    outcome = run_python("-c", SHOW, env=env)

    assert (outcome.out, outcome.code) == ("found redis://shell True\n", 0)


def test_production_settings_never_look_there(tmp_path: Path) -> None:
    leave(tmp_path, REDIS_URL="redis://found")

    outcome = run_python("-c", SHOW, env=PRODUCTION | {"REDIS_URL": "", "DATA_DIR": str(tmp_path)})

    assert outcome.code == 1
    assert "REDIS_URL is not set" in outcome.err.splitlines()[-1]


def test_without_servers_a_command_says_what_to_start() -> None:
    outcome = run_python("manage.py", "migrate", env={})

    assert outcome.code == 1
    assert outcome.out == ""
    (line,) = outcome.err.splitlines()
    assert line.startswith("starhash: Environment variables: DATABASE_URL is not set (")
    assert line.endswith("Is `make run` up, with the same DATA_DIR?")
