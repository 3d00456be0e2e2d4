"""A loop that does what has fallen due and sleeps until the next thing does, or until its bell rings."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from sandbox.clock import now_ms

logger = logging.getLogger("sandbox")
PAUSE_AFTER_FAILURE_SECONDS = 1.0


class Worker:
    """Runs `step(now)`, which returns when it wants to be called again (ms), or None for "when the bell rings"."""

    def __init__(self, *, name: str, step: Callable[[int], Awaitable[int | None]], bell: asyncio.Event) -> None:
        self._name = name
        self._step = step
        self._bell = bell

    async def run(self) -> None:
        """Never returns. A book that cannot be written (disk full) is tried again, not given up."""
        while True:
            self._bell.clear()
            try:
                next_ms = await self._step(now_ms())
            except sqlite3.Error:
                logger.exception("%s: the book cannot be written, trying again", self._name)
                await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)
                continue
            wait = None if next_ms is None else max(0, next_ms - now_ms()) / 1000
            try:
                await asyncio.wait_for(self._bell.wait(), timeout=wait)
            except TimeoutError:
                continue
