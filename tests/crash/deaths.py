"""Killing the process one is in, at a named step: nothing is closed, rolled back or said."""

import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from pkgutil import resolve_name
from typing import Any, NoReturn

from tests.crash.steps import Step


def die() -> NoReturn:
    """End this process between two instructions."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")


def watch_steps(steps: Mapping[str, Step], passed: Callable[[str], None]) -> None:
    """From now on `passed(name)` is called at each of these steps. For a process that ends soon: nothing is undone."""
    by_place: dict[str, dict[str, Step]] = {}
    for name, step in steps.items():
        by_place.setdefault(step.where, {})[name] = step
    for where, found in by_place.items():
        _wrap(where, found, passed)


def load_steps(steps: Mapping[str, Step]) -> None:
    """Import what the steps name, so that processes forked afterwards need not. Raises when a function is gone."""
    for step in steps.values():
        resolve_name(step.where)


def _wrap(where: str, steps: Mapping[str, Step], passed: Callable[[str], None]) -> None:
    place, _, attribute = where.rpartition(".")
    holder = resolve_name(place)
    original = getattr(holder, attribute)

    @wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        now = {name: step for name, step in steps.items() if step.only(*args, **kwargs)}
        for name, step in now.items():
            if step.side == "before":
                passed(name)
        result = original(*args, **kwargs)
        for name, step in now.items():
            if step.side == "after":
                passed(name)
        return result

    setattr(holder, attribute, watched)
