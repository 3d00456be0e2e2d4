"""Who acts now: carried in a context variable, so that services need not pass it along.

The outermost interface (request, task, command) sets it; `audit.record` reads it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import structlog


@dataclass(frozen=True)
class Actor:
    """Who acts. `user_id` is None for the system and for gateways; `label` is always readable."""

    user_id: Any = None
    label: str = "system"
    ip: str | None = None
    request: Any = None

    @property
    def request_id(self) -> str:
        """The id of the request or task, as it stands in the logs."""
        bound = structlog.contextvars.get_contextvars()
        return str(bound.get("request_id") or bound.get("task_id") or "")


_current: ContextVar[Actor | None] = ContextVar("actor", default=None)
SYSTEM = Actor()


def current_actor() -> Actor:
    """The actor set by the interface. A signed-in person in the request wins over an unnamed actor."""
    actor = _current.get() or SYSTEM
    user = getattr(actor.request, "user", None)
    if actor.user_id is None and user is not None and user.is_authenticated:
        return replace(actor, user_id=user.pk, label=user.get_username())
    return actor


@contextmanager
def acting(*, user_id: Any = None, label: str = "system", ip: str | None = None, request: Any = None) -> Iterator[None]:
    """Everything recorded inside was done by this actor. Nested calls keep the outer address when none is given."""
    outer = _current.get()
    actor = Actor(
        user_id=user_id,
        label=label,
        ip=ip or (outer.ip if outer else None),
        request=request if request is not None else (outer.request if outer and user_id is None else None),
    )
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
