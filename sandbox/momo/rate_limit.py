"""How often a token may ask for a status (notes A5: ten a second)."""

from collections import Counter


class StatusLimit:
    """Requests per token, counted by the second of the clock."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: Counter[str] = Counter()

    def allows(self, token: str, *, rate: int, at_ms: int) -> bool:
        second = at_ms // 1000
        if second != self._second:
            self._second = second
            self._counts.clear()
        self._counts[token] += 1
        return self._counts[token] <= rate
