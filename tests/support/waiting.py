"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


def wait_until(look: Callable[[], ResultT], *, seconds: float = 60, what: str = "it") -> ResultT:
    """The first true value of `look()`. Raises AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
