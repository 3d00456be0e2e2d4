"""The embedded Valkey (Redis protocol): queue, cache and sessions."""

import secrets
import signal
import socket
from collections.abc import Mapping
from typing import Any

from local import binaries, ports
from local.errors import LocalError
from local.folders import Folders
from local.owner import Owner
from local.server import EmbeddedServer, PortTaken, load_connection, store_connection


class Valkey(EmbeddedServer):
    name = "valkey"
    stop_signal = signal.SIGTERM  # stores everything, then ends

    def __init__(
        self,
        *,
        folders: Folders,
        owner: Owner,
        environ: Mapping[str, str],
        preferred_port: int,
        throwaway: bool,
    ) -> None:
        super().__init__(folders=folders, owner=owner, home=folders.servers / "valkey")
        program = binaries.find_valkey(environ)
        programs = binaries.Programs(folder=program.parent, tree=program.parent, parts=(program.name,))
        self.program = (
            binaries.share_programs(programs, needed=program.name, place=folders.servers, owner=owner)
            / program.name
        )
        binaries.read_version(self.program, owner=owner, variable="REDIS_BIN")
        self.preferred_port = preferred_port
        self.throwaway = throwaway
        self.data = self.home / "data"
        self.port = 0
        self.connection: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"redis://:{self.connection['password']}@{ports.HOST}:{self.connection['port']}"

    def start(self, *, may_move: bool = True) -> None:
        """Serve, on the port of the last start if it is free, else (if it may move) on another."""
        self._prepare()
        self._end_leftover(pid_file=self.data / "valkey.pid", cwd=self.data)
        for _ in range(5):
            port = self.connection["port"] or self.preferred_port
            self.port = ports.choose_port(port) if may_move else port
            try:
                # its configuration comes through stdin ("-"): in the arguments everybody could read it
                self._spawn([self.program, "-"], cwd=self.data, stdin=self._write_configuration().encode())
            except PortTaken:
                if not may_move:
                    break
            else:
                self.connection["port"] = self.port
                store_connection(self.home / "connection.json", self.connection)
                return
        raise LocalError(f"port {self.port} of {self.name} was taken meanwhile: start again")

    def is_ready(self) -> bool:
        """Whether it answers with our password; it does not while it is still loading its data."""
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=1) as link:
                link.settimeout(1)
                link.sendall(f"AUTH {self.connection['password']}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = link.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _prepare(self) -> None:
        file = self.home / "connection.json"
        self.connection = load_connection(file)
        if self.data.exists() and self.data.stat().st_uid != self.owner.uid:
            raise LocalError(
                f"{self.data} was made by uid {self.data.stat().st_uid} and this run would use "
                f"{self.owner.name or self.owner.uid}: run as before, or set DATA_DIR to another folder"
            )
        self.home.mkdir(exist_ok=True)
        self.home.chmod(0o711 if self.owner.switched else 0o700)
        if not self.connection:
            self.connection = {"port": 0, "password": secrets.token_hex(24)}
            store_connection(file, self.connection)
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
        self.owner.give(self.data)

    def _write_configuration(self) -> str:
        settings = {
            "bind": ports.HOST,
            "port": str(self.port),
            "requirepass": self.connection["password"],
            "dir": _quote(str(self.data)),
            "pidfile": _quote(str(self.data / "valkey.pid")),
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "save": '""',  # the append-only file is the one copy on disk
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
