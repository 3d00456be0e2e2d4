"""Room on the disk: looked at before a start, and recognised when a server complains."""

import errno
import shutil
from pathlib import Path

from local.errors import LocalError

MEGABYTE = 1024 * 1024
# A fresh pair takes about 65 MB; the rest is room for the write-ahead log and a day of demo data.
NEEDED_MB = 300
# PostgreSQL stops when it cannot write its log: warn while there is still time.
LOW_MB = 100

_FULL = ("no space left on device", "disk quota exceeded")
FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def get_free_mb(folder: Path) -> int:
    return shutil.disk_usage(folder).free // MEGABYTE


def require_free_space(folder: Path, *, needed_mb: int) -> None:
    """Raise `LocalError` when the disk of `folder` has less than `needed_mb` megabytes free."""
    free = get_free_mb(folder)
    if free < needed_mb:
        raise LocalError(
            f"the disk of {folder} has {free} MB free, {needed_mb} MB are needed: "
            "free some space, or set DATA_DIR to a folder on another disk"
        )


def says_disk_full(text: str) -> bool:
    """Whether a server's words mean that its disk is full."""
    lower = text.lower()
    return any(words in lower for words in _FULL)


def full_disk_error(folder: Path) -> LocalError:
    return LocalError(
        f"the disk of {folder} is full ({get_free_mb(folder)} MB free): free some space and start again, "
        "what was stored is safe"
    )
