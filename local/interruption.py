"""Ctrl-C and its relatives: noticed between steps, never in the middle of one."""

import signal
import time
from collections.abc import Callable

STEP_SECONDS = 0.1


def listen_to_stop(handler: Callable[[int, object], None]) -> None:
    """Have `handler` called for Ctrl-C, SIGTERM and the closing of the terminal (unless under nohup)."""
    signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


class Interrupted(Exception):
    """The person asked us to stop while we were still starting."""


class Interruption:
    """Counts the requests to stop. The second one means: hurry."""

    def __init__(self) -> None:
        self.count = 0

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and the closing of the terminal as a request to stop."""
        listen_to_stop(self._note)

    @property
    def asked(self) -> bool:
        return self.count > 0

    @property
    def hurry(self) -> bool:
        return self.count > 1

    def pause(self, seconds: float) -> None:
        """Sleep, but not past a first request to stop."""
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(STEP_SECONDS, left))

    def raise_if_asked(self) -> None:
        if self.asked:
            raise Interrupted

    def _note(self, _number: int, _frame: object) -> None:
        self.count += 1
