"""The fault switch: at most one fault at a time per target, drawn request by request.

With a seed the draws repeat: the same requests in the same order meet the same faults.
"""

import random
import secrets
from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NO_FAULT = "none"
DEFAULT_DELAY_MS = 30_000
MAX_DELAY_MS = 3_600_000


class FaultOrder(BaseModel):
    """What a fault request may say whatever its target. Targets narrow `mode` and add their own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True
    )

    mode: str
    times: int | None = Field(default=None, ge=1)
    delay_ms: int = Field(default=DEFAULT_DELAY_MS, ge=0, le=MAX_DELAY_MS)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = Field(default_factory=lambda: secrets.randbelow(2**31))


OrderT = TypeVar("OrderT", bound=FaultOrder)


class FaultSwitch(Generic[OrderT]):
    """Holds the current fault and says, request by request, whether it strikes."""

    def __init__(self) -> None:
        self._order: OrderT | None = None
        self._random = random.Random()
        self._fired = 0

    def set(self, order: OrderT) -> None:
        """Replace the current fault. Mode `none` clears it."""
        self._order = None if order.mode == NO_FAULT else order
        self._random = random.Random(order.seed)
        self._fired = 0

    def clear(self) -> None:
        self._order = None

    def draw(self, modes: Collection[str]) -> OrderT | None:
        """The current fault if it is one of `modes` and strikes this time; counted when it does."""
        order = self._order
        if order is None or order.mode not in modes or self._random.random() >= order.probability:
            return None
        self._fired += 1
        if order.times is not None and self._fired >= order.times:
            self._order = None
        return order

    @property
    def current(self) -> OrderT | None:
        return self._order

    def show(self) -> dict[str, Any]:
        """The current fault as JSON, with how often it struck and how often it still may."""
        if self._order is None:
            return {"mode": NO_FAULT}
        shown = self._order.model_dump(by_alias=True, exclude_none=True)
        if self._order.times is not None:
            shown["remaining"] = self._order.times - self._fired
        return shown | {"fired": self._fired}
