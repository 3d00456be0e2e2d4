"""One clock for the whole sandbox: milliseconds since 1970, UTC."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def show_time(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as `2026-11-20T08:15:30.125Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
