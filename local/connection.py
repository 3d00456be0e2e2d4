"""What is kept beside a server's data: its port and its passwords."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from local.errors import LocalError


@dataclass(kw_only=True)
class Connection:
    """`port` is that of the last start, 0 before the first. `throwaway` data are never kept."""

    port: int
    passwords: dict[str, str]
    throwaway: bool


def make_connection(*, roles: tuple[str, ...], throwaway: bool) -> Connection:
    passwords = {role: secrets.token_hex(24) for role in roles}
    return Connection(port=0, passwords=passwords, throwaway=throwaway)


def load_connection(home: Path) -> Connection | None:
    """What was stored for the server in `home`; `None` before its first start."""
    file = home / "connection.json"
    try:
        return Connection(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise LocalError(f"{file} is damaged: remove {home} to begin anew (its data are lost)") from error


def store_connection(home: Path, connection: Connection) -> None:
    write_private(home / "connection.json", json.dumps(asdict(connection)))


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file that only our account can read; a crash leaves the old one or the new one."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
