"""Real threads with their own connections, for race tests that come in pairs."""

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import mock

from django.db import connection

# Seconds. Somebody who never arrives at the barrier fails the test instead of hanging it.
PATIENCE = 60


def run_together(count: int, act: Callable[[int], Any], *, hold: tuple[ModuleType, str] | None = None) -> list[Any]:
    """Run `act(0) … act(count - 1)` in threads; return what each returned or raised, in that order.

    With `hold`, each thread stops after its first call of that function until all have made theirs: everybody has
    looked, nobody has written. Without, all start at once.
    """
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count
    arrived = threading.local()

    def run(number: int) -> None:
        try:
            if hold is None:
                barrier.wait(PATIENCE)
            results[number] = act(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    def run_all() -> None:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    if hold is None:
        run_all()
        return results
    module, name = hold
    original = getattr(module, name)

    def held(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if not getattr(arrived, "yes", False):
            arrived.yes = True
            barrier.wait(PATIENCE)
        return found

    with mock.patch.object(module, name, held):
        run_all()
    return results
