"""Troubles of the machine: each is told in one line that says what to do."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from local import disk
from local.binaries import Programs, find_postgres, find_valkey, share_programs
from local.connection import load_connection
from local.errors import LocalError
from local.folders import Folders, hold_lock, prepare_folders
from local.keys import load_keys
from local.owner import Owner, find_owner
from local.ports import read_port
from local.postgres import Postgres
from tests.local.conftest import MakePair

Usage = namedtuple("Usage", "total used free")
STRANGER = Owner(uid=65534, gid=65534, name="nobody", switched=True)


def make_program(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def programs(data: Path) -> Path:
    """A PostgreSQL that only knows its version; a test adds what it does."""
    folder = data / "bin"
    folder.mkdir(mode=0o755)
    make_program(folder, "postgres", 'echo "postgres (PostgreSQL) 18.6"')
    make_program(folder, "initdb", "exit 0")
    return folder


def test_start_without_room_on_the_disk_is_refused(
    make_pair: MakePair, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**10, 10**10, 12 * disk.MEGABYTE))

    with pytest.raises(LocalError, match="has 12 MB free, 300 MB are needed: free some space"):
        pair.start()

    assert not list(folders.servers.glob("postgres-*"))


def test_start_on_data_that_are_there_needs_less_room(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make_pair()
    for server in pair.embedded:
        server.data.mkdir(parents=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**10, 10**10, 99 * disk.MEGABYTE))

    with pytest.raises(LocalError, match="has 99 MB free, 100 MB are needed: free some space"):
        pair.start()


def test_programs_that_cannot_be_moved_are_told(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    program = make_program(closed, "postgres", "exit 0")
    programs = Programs(folder=program.parent, tree=closed, parts=())

    with pytest.raises(LocalError, match="postgres cannot be run by the account nobody"):
        share_programs(programs, needed="postgres", place=data, owner=STRANGER)


def test_disk_that_fills_during_initdb_is_named(make_pair: MakePair, programs: Path) -> None:
    make_program(programs, "initdb", 'echo "initdb: error: could not write: No space left on device" >&2; exit 1')
    pair = make_pair({"PG_BIN": str(programs), "REDIS_URL": "redis:///"})

    with pytest.raises(LocalError, match=r"the disk of .* is full"):
        pair.start()

    assert not pair.embedded[0].data.exists()


def test_disk_that_fills_during_the_start_is_named(make_pair: MakePair, programs: Path) -> None:
    words = "FATAL:  could not write lock file: No space left on device"
    make_program(programs, "postgres", f'echo "postgres (PostgreSQL) 18.6"; echo "{words}" >&2')
    pair = make_pair({"PG_BIN": str(programs), "REDIS_URL": "redis:///"})

    with pytest.raises(LocalError, match=r"the disk of .* is full"):
        pair.start()


def test_server_that_ends_at_once_is_quoted(make_pair: MakePair, programs: Path) -> None:
    make_program(programs, "postgres", 'echo "postgres (PostgreSQL) 18.6"; echo "FATAL:  no luck" >&2')
    pair = make_pair({"PG_BIN": str(programs), "REDIS_URL": "redis:///"})

    with pytest.raises(LocalError, match=r"postgres did not start \(.*FATAL:  no luck\): see .*postgres\.log"):
        pair.start()


def test_programs_that_are_not_there_are_named(data: Path) -> None:
    with pytest.raises(LocalError, match=r"PG_BIN=.* has no initdb and no postgres"):
        find_postgres({"PG_BIN": str(data)})
    with pytest.raises(LocalError, match=r"REDIS_BIN=.* is no file"):
        find_valkey({"REDIS_BIN": str(data)})


def test_account_without_a_name_is_told_what_postgresql_needs(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    nameless = find_owner()
    assert (nameless.name, nameless.switched) == ("", False)

    with pytest.raises(LocalError, match="uid 54321 is in no passwd file"):
        Postgres(folders=folders, owner=nameless, environ={}, preferred_port=1, throwaway=False)


def test_closed_data_folder_gives_the_servers_a_place_they_can_reach(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)

    folders = prepare_folders(closed, STRANGER)
    try:
        assert folders.servers.parent == Path("/var/tmp")
        assert STRANGER.can_reach(folders.servers)
        assert prepare_folders(closed, STRANGER) == folders, "the next run finds the same place"
    finally:
        folders.remove()
    assert not folders.servers.exists()


def test_place_that_others_may_write_to_is_refused(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    folders = prepare_folders(closed, STRANGER)
    try:
        folders.servers.chmod(0o777)

        with pytest.raises(LocalError, match="is open to other accounts"):
            prepare_folders(closed, STRANGER)
    finally:
        folders.remove()


def test_programs_in_a_closed_folder_are_copied_once_and_again_when_they_change(data: Path) -> None:
    closed = data / "closed"
    (closed / "package" / "bin").mkdir(parents=True)
    (closed / "package.libs").mkdir()
    (closed / "package.libs" / "libpq.so").write_text("library")
    program = make_program(closed / "package" / "bin", "postgres", "exit 0")
    program.chmod(0o700)
    closed.chmod(0o700)
    parts = ("package", "package.libs", "not-on-this-system")
    programs = Programs(folder=program.parent, tree=closed, parts=parts)

    first = share_programs(programs, needed="postgres", place=data, owner=STRANGER)

    assert STRANGER.can_reach(first / "postgres")
    assert (first / ".." / ".." / "package.libs" / "libpq.so").read_text() == "library"
    assert share_programs(programs, needed="postgres", place=data, owner=STRANGER) == first
    program.write_text("#!/bin/sh\nexit 1\n")
    second = share_programs(programs, needed="postgres", place=data, owner=STRANGER)
    assert second != first
    assert not first.exists()


def test_single_program_in_a_closed_folder_is_copied(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    program = make_program(closed, "valkey-server", "exit 0")
    programs = Programs(folder=closed, tree=closed, parts=(program.name,))

    copy = share_programs(programs, needed=program.name, place=data, owner=STRANGER)

    assert (copy / "valkey-server").read_text() == program.read_text()
    assert STRANGER.can_reach(copy / "valkey-server")


def test_second_run_in_the_same_folder_is_refused(data: Path) -> None:
    refused = pytest.raises(LocalError, match=rf"in use already \(pid {os.getpid()}\): stop that run first")
    with hold_lock(data), refused, hold_lock(data):
        pass
    with hold_lock(data):
        assert (data / "lock").read_text() == f"{os.getpid()}\n"


def test_keys_are_kept_and_a_damaged_file_is_not_replaced(data: Path) -> None:
    first = load_keys(data)
    assert load_keys(data) == first
    assert (data / "keys.json").stat().st_mode & 0o777 == 0o600
    assert len(first["SECRET_KEY"]) >= 50

    (data / "keys.json").write_text("{")
    with pytest.raises(LocalError, match=r"keys\.json is damaged"):
        load_keys(data)
    assert (data / "keys.json").read_text() == "{"


def test_damaged_connection_file_is_told(data: Path) -> None:
    (data / "connection.json").write_text('{"port": 1}')

    with pytest.raises(LocalError, match=r"connection\.json is damaged"):
        load_connection(data)


@pytest.mark.parametrize("value", ["eighty", "0", "65536", "-1", "80.5", "²"])
def test_port_that_is_none_is_told(value: str) -> None:
    with pytest.raises(LocalError, match=f"WEB_PORT={value} is no port"):
        read_port(value, variable="WEB_PORT", default=8000)


def test_port_is_read_or_has_its_default() -> None:
    assert read_port("8080", variable="WEB_PORT", default=8000) == 8080
    assert read_port("", variable="WEB_PORT", default=8000) == 8000
    assert read_port(None, variable="WEB_PORT", default=8000) == 8000
