"""The embedded PostgreSQL: made once with initdb, then started and stopped on the same data."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from local import binaries, ports
from local.disk import full_disk_error, says_disk_full
from local.errors import LocalError
from local.folders import Folders
from local.owner import Owner
from local.server import ENVIRONMENT, EmbeddedServer

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
    variable = "DATABASE_URL"
    stop_signal = signal.SIGINT  # PostgreSQL's "fast" stop: ends the sessions, stores everything
    roles = (ADMINISTRATOR, ROLE)
    pid_file_name = "postmaster.pid"

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
        super().__init__(
            folders=folders,
            owner=owner,
            home=folders.servers / f"postgres-{self.major}",  # another major version cannot read these files
            preferred_port=preferred_port,
            throwaway=throwaway,
        )

    @property
    def url(self) -> str:
        password = self.connection.passwords[ROLE]
        return f"postgres://{ROLE}:{password}@{ports.HOST}:{self.connection.port}/{DATABASE}"

    def is_ready(self) -> bool:
        """As pg_ctl does: the server writes its state into the eighth line of its pid file."""
        try:
            lines = (self.data / self.pid_file_name).read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            self.process is not None
            and len(lines) > 7
            and lines[0].strip() == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def make_data(self) -> None:
        """Run initdb in a folder beside, which gets its name only when it is whole."""
        unfinished = self.home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self.owner.give(unfinished)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as password:
            password.write(self.connection.passwords[ADMINISTRATOR])
            password.flush()
            self.owner.give(Path(password.name))
            self._run_initdb(unfinished, password_file=password.name)
        unfinished.rename(self.data)

    def run_on(self, port: int) -> None:
        settings = SETTINGS | (THROWAWAY_SETTINGS if self.throwaway else {}) | {"port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.spawn([str(self.programs / "postgres"), "-D", str(self.data), *options])

    def set_up(self) -> None:
        """Make the product's role and database unless they are there; its tests need CREATEDB."""
        with psycopg.connect(
            host=ports.HOST,
            port=self.connection.port,
            user=ADMINISTRATOR,
            password=self.connection.passwords[ADMINISTRATOR],
            dbname="postgres",
            autocommit=True,
        ) as link:
            role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
            if not link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                password = sql.Literal(self.connection.passwords[ROLE])
                link.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
            if self.throwaway:  # tests empty append-only tables between them
                link.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(role))
            if not link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                link.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _run_initdb(self, folder: Path, *, password_file: str) -> None:
        argv = [str(self.programs / "initdb"), "-D", str(folder), "-U", ADMINISTRATOR]
        argv += ["--pwfile", password_file, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        if self.major >= 17:  # rules for upper and lower case without ICU and without the system's locales
            argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.throwaway:
            argv.append("--no-sync")
        with self.log.open() as output:
            try:
                code = subprocess.run(
                    argv,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=ENVIRONMENT,
                    start_new_session=True,
                    **self.owner.popen_arguments(),
                ).returncode
            except OSError as error:
                raise LocalError(f"initdb cannot run as {self.owner.name}: {error.strerror}") from error
        if not code:
            return
        words = self.log.read_since_start()
        if says_disk_full(words):
            raise full_disk_error(self.folders.servers)
        told = [line for line in words.splitlines() if "error" in line.lower()] or self.log.tail(2)
        raise LocalError(f"initdb failed ({' / '.join(told)}): see {self.log.path}")
