"""What time it is for a step that comes after HTTP."""

from datetime import datetime, timedelta
from time import monotonic


class Clock:
    """The time a look began, moved on by what has passed since. It does not jump when the machine's clock is set."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._started = monotonic()

    def now(self) -> datetime:
        """In whole seconds after the beginning, as all pauses are."""
        return self._at + timedelta(seconds=int(monotonic() - self._started))
