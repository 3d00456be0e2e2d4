"""The embedded Valkey (Redis protocol): queue, cache and sessions."""

import signal
import socket
from collections.abc import Mapping

from local import binaries, ports
from local.folders import Folders
from local.owner import Owner
from local.server import EmbeddedServer

USER = "default"


class Valkey(EmbeddedServer):
    name = "valkey"
    variable = "REDIS_URL"
    stop_signal = signal.SIGTERM  # stores everything, then ends
    roles = (USER,)
    pid_file_name = "valkey.pid"

    def __init__(
        self,
        *,
        folders: Folders,
        owner: Owner,
        environ: Mapping[str, str],
        preferred_port: int,
        throwaway: bool,
    ) -> None:
        program = binaries.find_valkey(environ)
        programs = binaries.Programs(folder=program.parent, tree=program.parent, parts=(program.name,))
        folder = binaries.share_programs(programs, needed=program.name, place=folders.servers, owner=owner)
        self.program = folder / program.name
        binaries.read_version(self.program, owner=owner, variable="REDIS_BIN")
        self.port = 0
        super().__init__(
            folders=folders,
            owner=owner,
            home=folders.servers / "valkey",
            preferred_port=preferred_port,
            throwaway=throwaway,
        )

    @property
    def url(self) -> str:
        return f"redis://:{self.connection.passwords[USER]}@{ports.HOST}:{self.connection.port}"

    def is_ready(self) -> bool:
        """Whether it answers with our password; it does not while it is still loading its data."""
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.connection.passwords[USER]}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := link.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def make_data(self) -> None:
        self.data.mkdir(mode=0o700)
        self.owner.give(self.data)

    def run_on(self, port: int) -> None:
        self.port = port
        # its configuration comes through stdin ("-"): among the arguments everybody could read the password
        self.spawn([str(self.program), "-"], stdin=self._write_configuration())

    def set_up(self) -> None:
        """Nothing: numbered databases are there from the start."""

    def _write_configuration(self) -> str:
        settings = {
            "bind": ports.HOST,
            "port": str(self.port),
            "requirepass": self.connection.passwords[USER],
            "dir": _quote(str(self.data)),
            "pidfile": _quote(str(self.data / self.pid_file_name)),
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "save": '""',  # the append-only file is the one copy on disk
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
