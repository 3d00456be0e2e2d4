"""Data of a throwaway run never stay, data of a lasting one always do; a half-made folder counts as none."""

import psycopg
import pytest

from local.errors import LocalError
from local.folders import Folders
from tests.local.conftest import MakePair, has_word, write_word


def test_throwaway_data_do_not_stay(make_pair: MakePair, folders: Folders) -> None:
    pair = make_pair(throwaway=True)
    pair.start()
    write_word(pair)
    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        assert link.execute("SHOW fsync").fetchone() == ("off",)
        assert link.execute("SHOW max_connections").fetchone() == ("300",)
    homes = [server.home for server in pair.embedded]

    pair.stop()

    assert [home.exists() for home in homes] == [False, False]
    assert [path.name for path in folders.servers.iterdir()] == ["logs"]


def test_throwaway_run_refuses_data_that_are_to_be_kept(make_pair: MakePair) -> None:
    lasting = make_pair()
    lasting.start()
    word = write_word(lasting)
    lasting.stop()

    with pytest.raises(LocalError, match="data that are to be kept"):
        make_pair(throwaway=True).start()

    lasting.start()
    assert has_word(lasting, word) == (True, True)


def test_lasting_run_begins_anew_where_a_throwaway_run_was_killed(make_pair: MakePair) -> None:
    killed = make_pair(throwaway=True)
    killed.start()
    write_word(killed)

    pair = make_pair()
    pair.start()

    with psycopg.connect(pair.urls["DATABASE_URL"]) as link:
        assert link.execute("SELECT to_regclass('kept')").fetchone() == (None,)
        assert link.execute("SHOW fsync").fetchone() == ("on",)


def test_half_made_data_folder_is_made_again(make_pair: MakePair) -> None:
    pair = make_pair()
    postgres = pair.embedded[0]
    half = postgres.home / "unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    pair.start()

    assert postgres.is_ready()
    assert not half.exists()
