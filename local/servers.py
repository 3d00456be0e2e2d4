"""PostgreSQL and Valkey together: embedded, or stepping aside for servers that the environment names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from local import disk, ports
from local.errors import LocalError
from local.folders import Folders, hold_lock, prepare_folders
from local.owner import find_owner
from local.postgres import Postgres
from local.server import EmbeddedServer
from local.valkey import Valkey

RUN_PORTS = (54329, 63799)
EXEC_PORTS = (54339, 63809)
DEFAULT_PORTS = {"DATABASE_URL": 5432, "REDIS_URL": 6379}


class ServerPair:
    """The two servers of one DATA_DIR. `urls` holds what their users need once `start` has returned."""

    def __init__(
        self,
        *,
        folders: Folders,
        environ: Mapping[str, str],
        preferred_ports: tuple[int, int],
        throwaway: bool = False,
    ) -> None:
        self.folders = folders
        self.urls: dict[str, str] = {}
        self.embedded: list[Postgres | Valkey] = []
        owner = find_owner()
        kinds: tuple[tuple[str, type[Postgres] | type[Valkey]], ...]
        kinds = (("DATABASE_URL", Postgres), ("REDIS_URL", Valkey))
        for (variable, kind), port in zip(kinds, preferred_ports, strict=True):
            if url := environ.get(variable):
                require_answer(url, variable=variable)
                self.urls[variable] = url
                continue
            self.embedded.append(
                kind(folders=folders, owner=owner, environ=environ, preferred_port=port, throwaway=throwaway)
            )

    def start(self) -> None:
        """Start both, or neither: when one does not start, the other is stopped again."""
        if self.embedded:
            disk.require_free_space(self.folders.servers)
        try:
            for server in self.embedded:
                server.log.rotate()
                server.start()
                variable = "DATABASE_URL" if isinstance(server, Postgres) else "REDIS_URL"
                self.urls[variable] = server.url
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what is embedded, PostgreSQL last. The data stay."""
        for server in reversed(self.embedded):
            server.stop()

    def find_dead(self) -> list[EmbeddedServer]:
        return [server for server in self.embedded if not server.is_running()]


@contextmanager
def run_servers(
    *,
    data: Path,
    environ: Mapping[str, str],
    preferred_ports: tuple[int, int],
    throwaway: bool = False,
) -> Iterator[ServerPair]:
    """Hold DATA_DIR and serve for as long as the block runs.

    A throwaway pair is fast because a crash may damage its data: they are removed before and after.
    Raises `LocalError` when the folder is in use or a server does not start.
    """
    owner = find_owner()
    folders = prepare_folders(data, owner)
    with hold_lock(data):
        ...
        pair = ServerPair(
            folders=folders, environ=environ, preferred_ports=preferred_ports, throwaway=throwaway
        )
        pair.start()
        try:
            yield pair
        finally:
            pair.stop()


def require_answer(url: str, *, variable: str) -> None:
    """Raise `LocalError` when nobody listens where `url` points. A form we cannot read is left alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or DEFAULT_PORTS[variable]
    except ValueError as error:
        raise LocalError(
            f"{variable} cannot be read ({error}): it should look like scheme://host:port"
        ) from error
    if host and not ports.accepts_connections(host, port):
        raise LocalError(
            f"{variable} is set, but nobody answers at {host}:{port}: start that server, "
            f"or unset {variable} to use the embedded one"
        )
