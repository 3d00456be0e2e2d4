"""What a suite is given: a place of its own, and where to leave its figures."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import redis

from benchmarks.databases import Databases
from benchmarks.figures import Findings
from benchmarks.perform import Performance, perform

Choice = TypeVar("Choice")
_TEMPLATE = "template"
_KEY_PREFIX = "starhash-bench"


@dataclass(frozen=True)
class Place:
    """A prepared database and a Redis prefix nobody else uses, as the environment of programs that work there."""

    environ: Mapping[str, str]
    secret: str
    token: str

    def perform(self, act: str, **arguments: Any) -> Performance:
        return perform(act, environ=self.environ, **arguments)

    @property
    def database_url(self) -> str:
        return self.environ["DATABASE_URL"]


class Bench:
    """One run of the benchmarks. `quick` makes everything small, to see that it works."""

    def __init__(self, *, databases: Databases, redis_url: str, quick: bool) -> None:
        self.databases = databases
        self.quick = quick
        self.findings = Findings()
        self._redis = redis.Redis.from_url(redis_url)

    def prepare(self) -> None:
        """Migrate and set up once what every place is a copy of."""
        self._set_up = perform("prepare", environ=self._environ(_TEMPLATE, self.databases.create(_TEMPLATE))).result

    @contextmanager
    def place(self, name: str, **variables: str) -> Iterator[Place]:
        """A new place, gone afterwards; `variables` are added to its environment."""
        url = self.databases.create(name, template=_TEMPLATE)
        self._forget_keys(name)
        try:
            yield Place(self._environ(name, url) | variables, **self._set_up)
        finally:
            self.databases.drop(name)
            self._forget_keys(name)

    def pick(self, full: Choice, quick: Choice) -> Choice:
        """A size, a number of rounds, a list of things to try."""
        return quick if self.quick else full

    def queue_length(self, place: Place, queue: str) -> int:
        """Messages that wait in a Celery queue of this place."""
        return self._redis.llen(f"{place.environ['REDIS_KEY_PREFIX']}:celery:{queue}")

    def redis_facts(self) -> dict[str, Any]:
        """The server's name, version and durability, as far as it tells."""
        about = self._redis.info("server")
        persistence = self._redis.info("persistence")
        version = about.get("valkey_version") or about["redis_version"]
        return {"version": version, "appendonly": bool(persistence.get("aof_enabled"))}

    def _environ(self, name: str, url: str) -> dict[str, str]:
        fixed = {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "benchmarks.site.settings",
            "REDIS_KEY_PREFIX": f"{_KEY_PREFIX}-{name}",
            "SANDBOX": "1",
            "LOG_LEVEL": "INFO",
            "LOG_JSON": "1",
        }
        # An empty PUBLIC_URL asks for no callbacks; the pool and its companions have production's defaults.
        unset = {"PUBLIC_URL", "DATABASE_POOL_SIZE", "BEHIND_PGBOUNCER", "REDIS_BROKER_URL", "REDIS_SESSION_URL"}
        return {name: value for name, value in os.environ.items() if name not in unset} | fixed

    def _forget_keys(self, name: str) -> None:
        keys = list(self._redis.scan_iter(match=f"*{_KEY_PREFIX}-{name}:*", count=5_000))
        for start in range(0, len(keys), 5_000):
            self._redis.delete(*keys[start : start + 5_000])
