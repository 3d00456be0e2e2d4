"""What the person in front of the terminal reads."""

from collections.abc import Iterable
from contextlib import suppress


def say(text: str = "") -> None:
    """Print a line at once. A closed terminal must not keep us from stopping cleanly."""
    with suppress(OSError):
        print(text, flush=True)


def say_lines(lines: Iterable[str]) -> None:
    for line in lines:
        say(f"    {line}")
