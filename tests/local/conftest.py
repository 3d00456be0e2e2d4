"""Folders and servers for the tests of `local`; none of them touches Django."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from local.folders import Folders, prepare_folders
from local.owner import find_owner
from local.servers import ServerPair

# test processes that run side by side do not take each other's ports
NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = {"DATABASE_URL": 54349 + NUMBER, "REDIS_URL": 63819 + NUMBER}
NO_HOST = {"DATABASE_URL": "postgres:///elsewhere", "REDIS_URL": "redis:///"}

MakePair = Callable[..., ServerPair]


@contextmanager
def make_data_dir() -> Iterator[Path]:
    """A DATA_DIR that the servers' account can reach, also when root runs the tests (`tmp_path` is closed)."""
    folder = Path(tempfile.mkdtemp(prefix="starhash test-"))  # a space, since people have them
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def make_pairs(folders: Folders) -> Iterator[MakePair]:
    """Makes pairs on one DATA_DIR, as one run after the other would; what still runs at the end is stopped."""
    made: list[ServerPair] = []

    def make(environ: Mapping[str, str] | None = None, *, throwaway: bool = False) -> ServerPair:
        pair = ServerPair(
            folders=folders,
            owner=find_owner(),
            environ=environ or {},
            preferred_ports=PORTS,
            throwaway=throwaway,
        )
        made.append(pair)
        return pair

    yield make
    for pair in made:
        pair.stop()


def write_word(pair: ServerPair) -> str:
    """Store a word that no other test stores, in both servers."""
    word = secrets.token_hex(8)
    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        link.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        link.execute("INSERT INTO kept VALUES (%s)", [word])
    with redis.Redis.from_url(pair.urls["REDIS_URL"]) as client:
        client.set(word, "queued")
    return word


def has_word(pair: ServerPair, word: str) -> tuple[bool, bool]:
    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        row = link.execute("SELECT count(*) FROM kept WHERE word = %s", [word]).fetchone()
    with redis.Redis.from_url(pair.urls["REDIS_URL"], decode_responses=True) as client:
        return row == (1,), client.get(word) == "queued"


@pytest.fixture
def data() -> Iterator[Path]:
    with make_data_dir() as folder:
        yield folder


@pytest.fixture
def folders(data: Path) -> Folders:
    return prepare_folders(data, find_owner())


@pytest.fixture
def make_pair(folders: Folders) -> Iterator[MakePair]:
    with make_pairs(folders) as make:
        yield make


@pytest.fixture(scope="module")
def used_folders() -> Iterator[Folders]:
    """A DATA_DIR that the tests of one file use one after the other, since making one takes a second."""
    with make_data_dir() as folder:
        yield prepare_folders(folder, find_owner())


@pytest.fixture
def next_run(used_folders: Folders) -> Iterator[MakePair]:
    """Makes the pair of the next run in `used_folders`."""
    with make_pairs(used_folders) as make:
        yield make


@pytest.fixture
def servers_elsewhere(make_pair: MakePair) -> ServerPair:
    """A pair that embeds nothing, for tests of the children alone."""
    return make_pair(NO_HOST)
