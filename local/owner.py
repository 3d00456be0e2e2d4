"""Which account runs the embedded servers.

PostgreSQL refuses to run as root, so root's servers run as `postgres` when that account exists, else as
`nobody`. Everybody else runs them as themselves.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import LocalError


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The account of the embedded servers. `switched` is true when we are root and become that account."""

    uid: int
    gid: int
    name: str
    switched: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that start a program as this account, with private files."""
        if not self.switched:
            return {"umask": 0o077}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def give(self, path: Path) -> None:
        """Hand `path`, which we made, to this account. Raises `LocalError` where the system forbids it."""
        if not self.switched:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise LocalError(
                f"cannot hand {path} to the account {self.name} ({error.strerror}): run as an ordinary user, "
                "or set DATABASE_URL and REDIS_URL to servers of your own"
            ) from error

    def can_reach(self, path: Path) -> bool:
        """Whether this account may walk down to `path` and, if it is a file, read and run it."""
        if not self.switched:
            return True
        for place in (path, *path.parents):
            status = place.stat()
            mine = status.st_uid == self.uid
            needed = stat.S_IXUSR if mine else stat.S_IXOTH
            if place.is_file():
                needed |= stat.S_IRUSR if mine else stat.S_IROTH
            if status.st_mode & needed != needed:
                return False
        return True


def find_owner() -> Owner:
    """The account for the embedded servers; its name is empty when the user id is in no passwd file."""
    if os.geteuid() != 0:
        uid, gid = os.geteuid(), os.getegid()
        try:
            return Owner(uid=uid, gid=gid, name=pwd.getpwuid(uid).pw_name, switched=False)
        except KeyError:  # a container started with an arbitrary --user
            return Owner(uid=uid, gid=gid, name="", switched=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(uid=entry.pw_uid, gid=entry.pw_gid, name=name, switched=True)
    raise LocalError(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as: "
        "add one, run as an ordinary user, or set DATABASE_URL"
    )
