"""How much time a turn has left. Gateways give about 10 s and show an error of their own after that."""

import time
from dataclasses import dataclass

# Seconds kept for drawing the screen, storing it and the way back to the gateway.
FOR_THE_ANSWER = 0.5


@dataclass(frozen=True)
class Clock:
    """Counts down from the moment the request reached us (monotonic seconds)."""

    started: float
    deadline_seconds: float

    def remaining(self) -> float:
        """Seconds until the answer must leave; negative when late."""
        return self.started + self.deadline_seconds - time.monotonic()

    def left_for_work(self) -> float:
        """Seconds that may still be spent on anything but answering."""
        return self.remaining() - FOR_THE_ANSWER

    def took_ms(self) -> int:
        """Milliseconds so far."""
        return max(0, round((time.monotonic() - self.started) * 1000))
