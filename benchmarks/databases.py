"""A database for each suite, copied from one that is migrated once."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks.errors import BenchmarkError

# Any number nobody else uses: one run at a time on one server.
_LOCK = 7_305_811
_LEAVE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user"
_FACTS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


class Databases:
    """Makes and drops databases named `<name of DATABASE_URL>_bench_<suffix>`, and touches no other."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._stem = f"{self._parts.path.lstrip('/')}_bench_"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out, and remove what a killed run left.

        Raises BenchmarkError when the server is in use by another run or does not let us make databases.
        """
        with psycopg.connect(urlunsplit(self._parts), autocommit=True) as link:
            self._link = link
            if not link.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()[0]:
                raise BenchmarkError("another benchmark runs on this PostgreSQL server: wait for it")
            rights = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            if not link.execute(rights).fetchone()[0]:
                raise BenchmarkError("the role of DATABASE_URL may not make databases: grant it CREATEDB")
            self._drop_all()
            try:
                yield
            finally:
                self._drop_all()

    def url_of(self, suffix: str) -> str:
        return urlunsplit(self._parts._replace(path=f"/{self._stem}{suffix}"))

    def create(self, suffix: str, *, template: str | None = None) -> str:
        """A new database, empty or a copy of another of ours; its URL."""
        name = sql.Identifier(self._stem + suffix)
        order = sql.SQL("CREATE DATABASE {}").format(name)
        if template:
            order += sql.SQL(" TEMPLATE {}").format(sql.Identifier(self._stem + template))
        self._link.execute(order)
        return self.url_of(suffix)

    def drop(self, suffix: str) -> None:
        self._drop(self._stem + suffix)

    def facts(self) -> dict[str, str]:
        """What decides how fast the server may be, in its own words."""
        return {
            name: self._link.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()[0] for name in _FACTS
        }

    def _drop_all(self) -> None:
        names = self._link.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self._stem]
        ).fetchall()
        for (name,) in names:
            self._drop(name)

    def _drop(self, name: str) -> None:
        # Not WITH (FORCE), which would end autovacuum: only an administrator may. A plain DROP asks it to go, and waits
        # some seconds for whoever is leaving.
        self._link.execute(_LEAVE, [name])
        self._link.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
