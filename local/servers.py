"""PostgreSQL and Valkey together: embedded, or stepping aside for servers that the environment names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from local import disk, ports
from local.errors import LocalError
from local.folders import Folders
from local.owner import Owner
from local.postgres import Postgres
from local.server import EmbeddedServer
from local.valkey import Valkey

KINDS: tuple[type[Postgres] | type[Valkey], ...] = (Postgres, Valkey)
RUN_PORTS = {"DATABASE_URL": 54329, "REDIS_URL": 63799}
EXEC_PORTS = {"DATABASE_URL": 54339, "REDIS_URL": 63809}
USUAL_PORTS = {"DATABASE_URL": 5432, "REDIS_URL": 6379}


class ServerPair:
    """The two servers of one DATA_DIR. `urls` holds what their users need once `start` has returned."""

    def __init__(
        self,
        *,
        folders: Folders,
        owner: Owner,
        environ: Mapping[str, str],
        preferred_ports: Mapping[str, int],
        throwaway: bool = False,
    ) -> None:
        self.folders = folders
        self.throwaway = throwaway
        self.urls: dict[str, str] = {}
        self.embedded: list[EmbeddedServer] = []
        for kind in KINDS:
            if url := environ.get(kind.variable):
                require_answer(url, variable=kind.variable)
                self.urls[kind.variable] = url
                continue
            server = kind(
                folders=folders,
                owner=owner,
                environ=environ,
                preferred_port=preferred_ports[kind.variable],
                throwaway=throwaway,
            )
            self.embedded.append(server)

    def start(self) -> None:
        """Start both, or neither: when one does not start, the other is stopped again."""
        if self.embedded:
            new = not all(server.data.exists() for server in self.embedded)
            disk.require_free_space(self.folders.servers, needed_mb=disk.NEEDED_MB if new else disk.LOW_MB)
        try:
            for server in self.embedded:
                server.log.rotate()
                server.prepare()
                server.start()
                self.urls[server.variable] = server.url
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what is embedded, PostgreSQL last. The data stay, unless they are throwaway data."""
        for server in reversed(self.embedded):
            server.stop()
            if self.throwaway:
                server.forget()


@contextmanager
def run_servers(
    *,
    folders: Folders,
    owner: Owner,
    environ: Mapping[str, str],
    preferred_ports: Mapping[str, int],
    throwaway: bool = False,
) -> Iterator[ServerPair]:
    """Serve for as long as the block runs. Raises `LocalError` when a server does not start.

    A throwaway pair is fast because a crash may damage its data: they are removed before and after.
    """
    pair = ServerPair(
        folders=folders,
        owner=owner,
        environ=environ,
        preferred_ports=preferred_ports,
        throwaway=throwaway,
    )
    pair.start()
    try:
        yield pair
    finally:
        pair.stop()


def require_answer(url: str, *, variable: str) -> None:
    """Raise `LocalError` when nobody listens where `url` points. A URL without a host is left alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or USUAL_PORTS[variable]
    except ValueError as error:
        raise LocalError(f"{variable} cannot be read ({error}): it looks like scheme://host:port") from error
    if host and not ports.accepts_connections(host, port):
        raise LocalError(
            f"{variable} is set, but nobody answers at {host}:{port}: start that server, "
            f"or unset {variable} to use the embedded one"
        )
