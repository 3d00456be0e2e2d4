"""Where things lie in DATA_DIR, and a lock so that one run at a time uses it."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.owner import Owner

PROJECT = Path(__file__).resolve().parent.parent
SHARED_PLACE = Path("/var/tmp")  # noqa: S108 -- the place below it is made by mkdtemp


@dataclass(frozen=True, kw_only=True)
class Folders:
    """`data` is DATA_DIR and ours alone. `servers` holds what the servers' own account must reach."""

    data: Path
    servers: Path

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def remove(self) -> None:
        """Delete all of it, for data that was never meant to last."""
        shutil.rmtree(self.servers, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


def resolve_data_dir(value: str | Path | None) -> Path:
    """DATA_DIR as an absolute path; a relative one counts from the project, wherever we were started."""
    return (PROJECT / Path(value or ".local").expanduser()).resolve()


def prepare_folders(data: Path, owner: Owner) -> Folders:
    """Make DATA_DIR and find a place for the servers' files. Raises `LocalError` when that cannot be."""
    if not data.exists():
        data.mkdir(parents=True)
        # others may pass through to the servers' files, which have their own modes, but not look around
        data.chmod(0o711 if owner.switched else 0o700)
    if not data.is_dir():
        raise LocalError(f"{data} is no folder: remove it, or set DATA_DIR to another path")
    if data.stat().st_uid != os.geteuid():
        raise LocalError(
            f"{data} belongs to another account (uid {data.stat().st_uid}): run as that account, "
            "or set DATA_DIR to a folder of your own"
        )
    servers = data if owner.can_reach(data) else _find_reachable_place(data)
    folders = Folders(data=data, servers=servers)
    folders.logs.mkdir(mode=0o700, exist_ok=True)
    return folders


def _find_reachable_place(data: Path) -> Path:
    """A folder of root's that the servers' account can walk into; DATA_DIR remembers which it is.

    Its name is made up anew for every DATA_DIR, so a deleted DATA_DIR never finds its old data again.
    """
    note = data / "servers-place"
    if note.exists():
        place = Path(note.read_text().strip())
        if place.is_symlink() or not place.is_dir():
            raise LocalError(f"the servers' data in {place} are gone: remove {data} to begin anew")
        status = place.stat()
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise LocalError(f"{place} is open to other accounts: remove it and {data} to begin anew")
        return place
    place = Path(tempfile.mkdtemp(prefix="starhash-", dir=SHARED_PLACE))
    place.chmod(0o711)
    note.write_text(f"{place}\n")
    return place


@contextmanager
def hold_lock(data: Path) -> Iterator[None]:
    """Keep every other run out of this DATA_DIR. Raises `LocalError` when one is there already.

    The system drops the lock when we end, however we end.
    """
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise LocalError(
                f"{data} is in use already (pid {holder}): stop that run first (Ctrl-C), "
                "or set DATA_DIR, WEB_PORT and SANDBOX_PORT to run a second one beside it"
            ) from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
