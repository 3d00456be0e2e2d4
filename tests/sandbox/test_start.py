"""Starting and stopping: options, variables, and one clear line when it cannot start."""

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.sandbox.momo_client import MomoClient
from tests.support.ports import find_free_port
from tests.support.sandbox_process import ROOT, SandboxProcess


def run_sandbox(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start one that is expected to end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *map(str, arguments)],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_taken_port_gives_one_clear_line(sandbox):
    ended = run_sandbox("--port", sandbox.port, "--data", ":memory:")

    assert ended.returncode == 1
    assert ended.stderr == f"sandbox: cannot listen on 127.0.0.1:{sandbox.port}: Address already in use\n"


def test_folder_in_use_gives_one_clear_line(tmp_path: Path):
    with SandboxProcess(data=tmp_path):
        ended = run_sandbox("--port", find_free_port(), "--data", tmp_path)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"sandbox: another sandbox is using {tmp_path}: stop it, or choose another folder with --data\n"
    )


@pytest.mark.parametrize("content", ["no database", ""], ids=["a foreign file", "a file as folder"])
def test_unusable_folder_gives_one_clear_line(tmp_path: Path, content):
    if content:
        folder = tmp_path
        (folder / "sandbox.sqlite3").write_text(content * 100)
    else:
        folder = tmp_path / "file"
        folder.touch()

    ended = run_sandbox("--port", find_free_port(), "--data", folder)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"sandbox: cannot keep a book in {folder}: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--settle-ms", "soon"), {}),
        (("--settle-ms", "-1"), {}),
        ((), {"SANDBOX_SETTLE_MS": "soon"}),
        (("--callback-method", "GET"), {}),
        ((), {"SANDBOX_CALLBACK_METHOD": "GET"}),
        (("--callback-tries", "0"), {}),
        (("--port", "70000"), {}),
    ],
)
def test_wrong_option_is_refused_at_the_start(arguments, variables):
    ended = run_sandbox("--data", ":memory:", *arguments, **variables)

    assert ended.returncode in {1, 2}
    assert "Traceback" not in ended.stderr
    assert ended.stderr


def test_options_change_credentials_and_behaviour():
    with SandboxProcess(
        momo_api_user="me", momo_api_key="mine", momo_float=1000, callback_host="web", settle_ms=0
    ) as sandbox:
        client = MomoClient(sandbox)
        assert client.ask_token().status_code == 401
        client.user, client.key = "me", "mine"
        client.sign_in()

        assert client.transfer(headers={"X_Callback_Url": "http://web:8000/callback"}).status_code == 202
        assert sandbox.float_of("mtnrwanda") <= 1000


def test_options_come_from_the_environment_too(monkeypatch):
    port = find_free_port()
    variables = {"SANDBOX_PORT": str(port), "SANDBOX_DATA": ":memory:", "SANDBOX_NEW_PLATFORM": "1"}
    process = subprocess.Popen([sys.executable, "-m", "sandbox"], cwd=ROOT, env=os.environ | variables)
    try:
        behaviour = read_when_up(f"http://127.0.0.1:{port}/_sandbox/momo/behaviour")
    finally:
        process.terminate()
        process.wait(timeout=30)

    assert (behaviour["newPlatform"], behaviour["settleMs"]) == (True, 300)


def read_when_up(url: str) -> dict[str, object]:
    for _ in range(300):
        try:
            return requests.get(url, timeout=30).json()
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer")


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_while_a_request_hangs(stop_signal):
    port = find_free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", ":memory:"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    read_when_up(f"{url}/_sandbox/health")
    fault = {"mode": "timeout_before_accept", "times": 1, "delayMs": 3_600_000}
    requests.post(f"{url}/_sandbox/momo/faults", json=fault, timeout=30)
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as hanging:
        hanging.request("POST", "/disbursement/v1_0/transfer")
        # Once the fault is used up, the request hangs.
        while requests.get(f"{url}/_sandbox/momo/faults", timeout=30).json() != {"mode": "none"}:
            time.sleep(0.02)

        process.send_signal(stop_signal)
        _, errors = process.communicate(timeout=60)

    assert "Traceback" not in errors
