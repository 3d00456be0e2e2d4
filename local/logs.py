"""Log files of servers and children."""

import re
from pathlib import Path
from typing import BinaryIO

# A traceback's last line is often more of the message, such as the mark under a column of SQL.
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|DoesNotExist)\b")
LARGE_BYTES = 5 * 1024 * 1024
TAIL_BYTES = 20_000


class LogFile:
    """One log in DATA_DIR/logs, which remembers where the words of the present start begin."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0

    def rotate(self) -> None:
        """Put a large log aside as NAME.log.1, in place of the one before."""
        if self.path.exists() and self.path.stat().st_size > LARGE_BYTES:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))

    def open(self) -> BinaryIO:
        """The file for a new start, opened for adding."""
        file = self.path.open("ab")
        self.start = file.tell()
        return file

    def read_since_start(self) -> str:
        """What was written since `open`, or the last part of it when it is long."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(self.start, size - TAIL_BYTES))
            return file.read().decode(errors="replace")

    def find_reason(self) -> str:
        """The line that names the trouble: the last exception of a traceback, else the last line."""
        lines = self.tail(20)
        named = [line for line in lines if EXCEPTION.match(line)]
        return (named or lines or [""])[-1].strip()

    def tail(self, lines: int) -> list[str]:
        """The last lines that say something."""
        said = [line.rstrip() for line in self.read_since_start().splitlines() if line.strip()]
        return said[-lines:]
