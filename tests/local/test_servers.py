"""A real PostgreSQL and a real Valkey: they answer, and nothing is lost however they end."""

import os
import signal
import socket

import psutil
import pytest

from local.errors import LocalError
from local.server import EmbeddedServer
from local.servers import ServerPair
from tests.local.conftest import MakePair, has_word, write_word


def find_pids(pair: ServerPair) -> list[int]:
    return [server.process.pid for server in pair.embedded]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_pair_serves_and_finds_its_data_at_the_next_start(next_run: MakePair) -> None:
    first = next_run()
    first.start()
    word = write_word(first)
    pids = find_pids(first)
    first.stop()
    assert [is_alive(pid) for pid in pids] == [False, False]

    second = next_run()
    second.start()

    assert has_word(second, word) == (True, True)
    assert second.urls == first.urls


def test_killed_servers_start_again_with_what_was_stored(next_run: MakePair) -> None:
    first = next_run()
    first.start()
    word = write_word(first)
    for pid in find_pids(first):
        os.kill(pid, signal.SIGKILL)

    second = next_run()  # as the next run does: it knows nothing of the first one's processes
    second.start()

    assert has_word(second, word) == (True, True)


def test_servers_left_by_a_killed_run_are_ended_and_replaced(next_run: MakePair) -> None:
    first = next_run()
    first.start()
    word = write_word(first)

    second = next_run()
    second.start()

    assert [server.is_running() for server in first.embedded] == [False, False]
    assert has_word(second, word) == (True, True)


def test_pid_file_that_names_a_stranger_ends_nobody(next_run: MakePair) -> None:
    pair = next_run()
    pair.start()
    pair.stop()
    for server in pair.embedded:
        (server.data / server.pid_file_name).write_text(f"{os.getppid()}\n{server.data}\n")

    pair.start()

    assert psutil.pid_exists(os.getppid())
    assert [server.is_running() for server in pair.embedded] == [True, True]


def test_taken_port_is_left_to_its_holder(next_run: MakePair) -> None:
    pair = next_run()
    pair.start()
    pair.stop()
    valkey = pair.embedded[1]
    taken = valkey.connection.port
    with socket.create_server(("127.0.0.1", taken)):
        pair.start()
        moved_to = valkey.connection.port
        assert moved_to != taken
        assert valkey.is_ready()

    pair.stop()
    pair.start()

    assert valkey.connection.port == moved_to, "an address once given is kept"


def test_restart_that_may_not_move_names_the_taken_port(next_run: MakePair) -> None:
    pair = next_run()
    pair.start()
    valkey = pair.embedded[1]
    valkey.stop()
    refused = pytest.raises(LocalError, match=f"port {valkey.connection.port} is taken by .*REDIS_URL")
    with socket.create_server(("127.0.0.1", valkey.connection.port)), refused:
        valkey.start(may_move=False)


def test_url_in_the_environment_replaces_the_embedded_server(next_run: MakePair) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"redis://127.0.0.1:{other.getsockname()[1]}/3"
        pair = next_run({"REDIS_URL": url, "DATABASE_URL": "postgres:///by-socket"})
        pair.start()

    assert pair.embedded == []
    assert pair.urls == {"REDIS_URL": url, "DATABASE_URL": "postgres:///by-socket"}


def test_url_where_nobody_answers_is_told(next_run: MakePair) -> None:
    with pytest.raises(LocalError, match=r"DATABASE_URL is set, but nobody answers at 127\.0\.0\.1:1:"):
        next_run({"DATABASE_URL": "postgres://app:secret@127.0.0.1:1/app"})
    with pytest.raises(LocalError, match="REDIS_URL cannot be read"):
        next_run({"DATABASE_URL": "postgres:///x", "REDIS_URL": "redis://127.0.0.1:port"})


def test_start_that_fails_leaves_nothing_running(next_run: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = next_run()
    postgres, valkey = pair.embedded
    monkeypatch.setattr(valkey, "run_on", fail_to_run)

    with pytest.raises(LocalError, match="as a broken program would"):
        pair.start()

    assert not EmbeddedServer.is_running(postgres)
    assert not (postgres.data / "postmaster.pid").exists()


def fail_to_run(port: int) -> None:
    raise LocalError(f"valkey did not start on {port}, as a broken program would")
