"""What a running pair promises: settings that keep what they acknowledge, and passwords that stay secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from local.folders import Folders
from local.servers import ServerPair
from tests.local.conftest import make_pairs


@pytest.fixture(scope="module")
def running_pair(used_folders: Folders) -> Iterator[ServerPair]:
    """One pair for all of these tests: they only look at it."""
    with make_pairs(used_folders) as make:
        pair = make()
        pair.start()
        yield pair


def test_settings_of_a_lasting_pair_keep_what_they_acknowledge(running_pair: ServerPair) -> None:
    pair = running_pair

    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        role = link.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
        names = ("fsync", "synchronous_commit", "full_page_writes", "server_encoding", "password_encryption")
        settings = [link.execute(f"SHOW {name}").fetchone()[0] for name in names]
    with redis.Redis.from_url(pair.urls["REDIS_URL"], decode_responses=True) as client:
        memory = client.config_get("appendonly", "maxmemory-policy")

    assert role == (False, True)
    assert settings == ["on", "on", "on", "UTF8", "scram-sha-256"]
    assert memory == {"appendonly": "yes", "maxmemory-policy": "noeviction"}


def test_wrong_password_is_refused(running_pair: ServerPair) -> None:
    for server in running_pair.embedded:
        (password,) = [word for word in server.connection.passwords.values() if word in server.url]
        wrong = server.url.replace(password, "wrong")
        if server.name == "postgres":
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(wrong)
        else:
            with redis.Redis.from_url(wrong) as client, pytest.raises(redis.AuthenticationError):
                client.ping()


def test_passwords_are_in_no_argument_and_no_readable_file(running_pair: ServerPair) -> None:
    pair = running_pair
    passwords = [word for server in pair.embedded for word in server.connection.passwords.values()]
    assert len(set(passwords)) == 3

    seen = json.dumps([process.info["cmdline"] for process in psutil.process_iter(["cmdline"])])
    assert [word for word in passwords if word in seen] == []
    for server in pair.embedded:
        environ = (Path("/proc") / str(server.process.pid) / "environ").read_text()
        assert [word for word in passwords if word in environ] == []
        assert (server.home / "connection.json").stat().st_mode & 0o777 == 0o600
        assert server.data.stat().st_mode & 0o777 == 0o700
    assert not list(pair.folders.servers.rglob("tmp*")), "the password file of initdb is gone"
