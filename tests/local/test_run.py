"""`make run` itself: what it tells its children and `manage.py`, and what it refuses."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.environment import (
    Plan,
    build_child_environment,
    build_variables,
    publish_variables,
    read_plan,
    withdraw_variables,
)
from local.errors import LocalError
from local.folders import PROJECT
from tests.support.ports import find_free_port

KEYS = {"SECRET_KEY": "made", "FIELD_ENCRYPTION_KEYS": "made too"}
URLS = {"DATABASE_URL": "postgres://x", "REDIS_URL": "redis://y"}
PLAN = Plan(web_port=8000, sandbox_port=8001, sandbox=True)


def read_person_environ(**variables: str) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ} | variables


def start_run(**variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=PROJECT,
        env=read_person_environ(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_sandbox_is_on_unless_it_is_switched_off() -> None:
    assert read_plan({}) == PLAN
    assert read_plan({"SANDBOX": "", "WEB_PORT": "8080"}) == Plan(web_port=8080, sandbox_port=8001, sandbox=True)
    assert [read_plan({"SANDBOX": word}).sandbox for word in ("0", "false", "1", "True")] == [
        False,
        False,
        True,
        True,
    ]


def test_one_port_for_web_and_sandbox_is_refused() -> None:
    with pytest.raises(LocalError, match="cannot share port 8001: set WEB_PORT or SANDBOX_PORT"):
        read_plan({"WEB_PORT": "8001"})


def test_variables_have_defaults_that_a_person_overrides(data: Path) -> None:
    chosen = {"PUBLIC_URL": "https://demo.example", "SECRET_KEY": "mine", "SANDBOX_URL": ""}

    variables = build_variables(chosen, plan=PLAN, data=data, urls=URLS, keys=KEYS)

    assert variables == {
        **URLS,
        "SECRET_KEY": "mine",
        "FIELD_ENCRYPTION_KEYS": "made too",
        "SANDBOX": "1",
        "SANDBOX_URL": "http://127.0.0.1:8001",
        "PUBLIC_URL": "https://demo.example",
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
        "DATA_DIR": str(data),
    }


def test_run_without_sandbox_names_no_simulated_world(data: Path) -> None:
    plan = Plan(web_port=8000, sandbox_port=8001, sandbox=False)

    variables = build_variables({"SANDBOX": "0"}, plan=plan, data=data, urls=URLS, keys=KEYS)

    assert variables["SANDBOX"] == "0"
    assert "SANDBOX_URL" not in variables


def test_children_reach_this_machine_without_a_proxy() -> None:
    environ = build_child_environment({"no_proxy": "intra", "HTTP_PROXY": "http://proxy"}, {"A": "b"})

    assert environ["no_proxy"] == environ["NO_PROXY"] == "intra,127.0.0.1,localhost"
    assert (environ["HTTP_PROXY"], environ["A"]) == ("http://proxy", "b")


def test_variables_are_published_for_our_account_alone_and_withdrawn(data: Path) -> None:
    publish_variables(data, URLS)
    file = data / "servers.json"
    assert json.loads(file.read_text()) == {"pid": os.getpid(), "env": URLS}
    assert file.stat().st_mode & 0o777 == 0o600

    withdraw_variables(data)
    withdraw_variables(data)
    assert not file.exists()


@pytest.mark.parametrize("variable", ["WEB_PORT", "SANDBOX_PORT"])
def test_taken_port_is_named_with_its_holder_and_its_variable(data: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        free = {"WEB_PORT": str(find_free_port()), "SANDBOX_PORT": str(find_free_port()), "DATA_DIR": str(data)}
        with start_run(**{**free, variable: str(port)}) as run:
            said, _ = run.communicate(timeout=60)

    assert said.startswith(f"starhash: port {port} is taken by ")
    assert said.endswith(f"(pid {os.getpid()}): stop that program, or set {variable} to another port\n")
    assert (said.count("\n"), run.returncode) == (1, 1)
    assert not list(data.glob("postgres-*")), "nothing was started"


@pytest.mark.slow
def test_whole_run_serves_is_found_by_manage_py_and_stops_cleanly(data: Path) -> None:
    variables = {
        "DATA_DIR": str(data),
        "WEB_PORT": str(find_free_port()),
        "SANDBOX_PORT": str(find_free_port()),
    }
    with start_run(**variables) as run:
        try:
            said = read_until(run, "Ctrl-C stops everything")
            assert f"http://127.0.0.1:{variables['WEB_PORT']}/simulator/" in said
            manage = subprocess.run(
                [sys.executable, "manage.py", "demo_access", "--json"],
                check=True,
                cwd=PROJECT,
                env=read_person_environ(DATA_DIR=str(data)),
                capture_output=True,
                text=True,
            )
            access = json.loads(manage.stdout)
            assert access["web"] == f"http://127.0.0.1:{variables['WEB_PORT']}"
            assert access["staff"][0]["password"] in said
        finally:
            run.send_signal(signal.SIGTERM)
        rest, _ = run.communicate(timeout=60)

    assert rest.strip().splitlines() == ["stopping", f"stopped; the data stay in {data}"]
    assert run.returncode == 0
    assert not (data / "servers.json").exists()
    assert list((data / "children").iterdir()) == []


def read_until(run: "subprocess.Popen[str]", words: str) -> str:
    """What the run says up to a line with these words. Raises when it ends before."""
    assert run.stdout is not None
    said = ""
    end = time.monotonic() + 90
    for line in run.stdout:
        said += line
        if words in line:
            return said
        assert time.monotonic() < end, said
    raise AssertionError(said)
