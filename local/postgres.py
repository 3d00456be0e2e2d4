"""The embedded PostgreSQL: made once with initdb, then started and stopped on the same data."""

import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from local import binaries, ports
from local.disk import full_disk_error, says_disk_full
from local.errors import LocalError
from local.folders import Folders
from local.owner import Owner
from local.server import EmbeddedServer, PortTaken, load_connection, store_connection

# The product's own role is no superuser, as on any managed server; the administrator only sets it up.
ADMINISTRATOR = "postgres"
ROLE = DATABASE = "starhash"

SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",  # TCP only: no socket files to go stale, no limit on the path's length
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "500ms",
    "max_locks_per_transaction": "256",  # partitions are many tables
    "idle_in_transaction_session_timeout": "10min",
}
# For data that nobody misses after a crash. `make run` never starts with these.
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "max_wal_size": "2GB",
}


class Postgres(EmbeddedServer):
    name = "postgres"
    stop_signal = signal.SIGINT  # PostgreSQL's "fast" stop: ends the sessions, stores everything

    def __init__(
        self,
        *,
        folders: Folders,
        owner: Owner,
        environ: Mapping[str, str],
        preferred_port: int,
        throwaway: bool,
    ) -> None:
        if not owner.name:
            raise LocalError(
                f"uid {owner.uid} is in no passwd file and PostgreSQL needs a name for it: "
                "run as a named account, or set DATABASE_URL"
            )
        self.programs = binaries.share_programs(
            binaries.find_postgres(environ), needed="postgres", place=folders.servers, owner=owner
        )
        version = binaries.read_version(self.programs / "postgres", owner=owner, variable="PG_BIN")
        self.major = int(version.split()[2].split(".")[0])
        # another major version cannot read these files, so each has a folder of its own
        super().__init__(folders=folders, owner=owner, home=folders.servers / f"postgres-{self.major}")
        self.preferred_port = preferred_port
        self.throwaway = throwaway
        self.data = self.home / "data"
        self.connection: dict[str, Any] = {}

    @property
    def url(self) -> str:
        password, port = self.connection["password"], self.connection["port"]
        return f"postgres://{ROLE}:{password}@{ports.HOST}:{port}/{DATABASE}"

    def start(self, *, may_move: bool = True) -> None:
        """Serve, on the port of the last start if it is free, else (if it may move) on another.

        Makes the data folder, the role and the database when they are not there yet.
        """
        self._initialise()
        self._end_leftover(pid_file=self.data / "postmaster.pid", cwd=self.data)
        for _ in range(20):
            port = self.connection["port"] or self.preferred_port
            try:
                self._run_server(ports.choose_port(port) if may_move else port)
                break
            except PortTaken:
                if not may_move:
                    raise LocalError(f"port {port} of {self.name} was taken meanwhile: start again") from None
            except LocalError:
                # after a crash the old processes need a moment to let go of their shared memory
                if "still in use" not in self.log.read_since_start():
                    raise
                time.sleep(0.25)
        else:
            raise LocalError(f"{self.name} did not start: see {self.log.path}")
        self._create_database()

    def is_ready(self) -> bool:
        """As pg_ctl does: the server writes its state into the eighth line of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            self.process is not None
            and len(lines) > 7
            and lines[0].strip() == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def _run_server(self, port: int) -> None:
        settings = SETTINGS | (THROWAWAY_SETTINGS if self.throwaway else {}) | {"port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._spawn([self.programs / "postgres", "-D", self.data, *options], cwd=self.data)
        self.connection["port"] = port
        store_connection(self.home / "connection.json", self.connection)

    def _initialise(self) -> None:
        """Run initdb in a folder beside, which gets its name only when it is whole."""
        file = self.home / "connection.json"
        self.connection = load_connection(file)
        if self.data.exists():
            if not self.connection:
                raise LocalError(f"{file} is missing: remove {self.home} to begin anew (its data are lost)")
            if self.data.stat().st_uid != self.owner.uid:
                raise LocalError(
                    f"{self.data} was made by uid {self.data.stat().st_uid} and this run would use "
                    f"{self.owner.name}: run as before, or set DATA_DIR to another folder"
                )
            return
        self.home.mkdir(exist_ok=True)
        self.home.chmod(0o711 if self.owner.switched else 0o700)
        self.connection = {
            "port": 0,
            "password": secrets.token_hex(24),
            "administrator_password": secrets.token_hex(24),
        }
        store_connection(file, self.connection)
        unfinished = self.home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self.owner.give(unfinished)
        self._run_initdb(unfinished)
        unfinished.rename(self.data)

    def _run_initdb(self, folder: Path) -> None:
        argv: list[str | Path] = [self.programs / "initdb", "-D", folder, "-U", ADMINISTRATOR]
        argv += ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        if self.major >= 17:  # UTF-8 rules for case without ICU and without the system's locales
            argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.throwaway:
            argv.append("--no-sync")
        with tempfile.NamedTemporaryFile("w", dir=self.home) as password, tempfile.TemporaryFile() as output:
            password.write(self.connection["administrator_password"])
            password.flush()
            self.owner.give(Path(password.name))
            try:
                code = subprocess.run(
                    [*argv, "--pwfile", password.name],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                    start_new_session=True,
                    **self.owner.popen_arguments(),
                ).returncode
            except OSError as error:
                raise LocalError(f"initdb cannot run as {self.owner.name} ({error.strerror})") from error
            output.seek(0)
            said = output.read().decode(errors="replace")
        if not code:
            return
        if says_disk_full(said):
            raise full_disk_error(self.folders.servers)
        self.log.path.write_text(said)
        lines = [line.strip() for line in said.splitlines() if line.startswith("initdb: error")]
        raise LocalError(f"initdb failed ({' / '.join(lines) or f'exit {code}'}): see {self.log.path}")

    def _create_database(self) -> None:
        """Make the product's role and database unless they are there; CREATEDB is for its tests."""
        with psycopg.connect(
            host=ports.HOST,
            port=self.connection["port"],
            user=ADMINISTRATOR,
            password=self.connection["administrator_password"],
            dbname="postgres",
            autocommit=True,
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(self.connection["password"])
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )
