"""How a worker lives: what Celery and beat would do, by a clock of its own, so that waiting costs nothing."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol

from celery.app.task import Task
from django.db.models import Min

from config.celery import app
from disbursements.models import Attempt, Disbursement, ProviderCallback
from disbursements.services.sweeps import CALLBACK_GRACE
from notifications.models import SmsMessage

# Beat starts the sweep of payouts so often.
BEAT = timedelta(seconds=5)
SWEEPS = ("disbursements.sweep_due", "disbursements.sweep_callbacks", "notifications.sweep_due")


class Clock:
    """What time it is for everything this worker does."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Tray:
    """Stands where the broker would: holds what this worker was told to do, and dies with it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._waiting: list[tuple[datetime, int, str, dict[str, Any]]] = []
        self._numbers = count()

    def put(self, task: Task, args: Any = None, kwargs: Any = None, countdown: float = 0, **_options: Any) -> None:
        due = self.clock.at + timedelta(seconds=countdown)
        heapq.heappush(self._waiting, (due, next(self._numbers), task.name, kwargs or {}))

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """The next task that is due."""
        if not self._waiting or self._waiting[0][0] > self.clock.at:
            return None
        _due, _number, name, kwargs = heapq.heappop(self._waiting)
        return name, kwargs

    def next_due(self) -> datetime | None:
        return self._waiting[0][0] if self._waiting else None


class Rounds(Protocol):
    """What a worker without a task looks for."""

    def look(self, at: datetime) -> None:
        """Do, or put into the tray, what is due."""

    def next_due(self) -> datetime | None:
        """When the next row that is known falls due."""


class Sweeps:
    """Everything, as beat has it looked for."""

    def look(self, at: datetime) -> None:
        for name in SWEEPS:
            app.tasks[name]()

    def next_due(self) -> datetime | None:
        heard = ProviderCallback.objects.filter(processed_at=None).aggregate(first=Min("received_at"))["first"]
        return earliest(
            Disbursement.objects.aggregate(next=Min("next_action_at"))["next"],
            SmsMessage.objects.aggregate(next=Min("next_action_at"))["next"],
            heard and heard + CALLBACK_GRACE,
        )


class OnePayout:
    """One payout and its callbacks: what sweeps would hand over of them."""

    def __init__(self, disbursement_id: str) -> None:
        self.disbursement_id = disbursement_id

    def look(self, at: datetime) -> None:
        due = self.next_due()
        if due is None or due > at:
            return
        for callback in self._callbacks():
            app.tasks["disbursements.process_callback"](callback_id=callback.pk)
        app.tasks["disbursements.advance"](disbursement_id=self.disbursement_id)

    def next_due(self) -> datetime | None:
        row = Disbursement.objects.get(pk=self.disbursement_id)
        return earliest(row.next_action_at, *(heard.received_at + CALLBACK_GRACE for heard in self._callbacks()))

    def _callbacks(self) -> list[ProviderCallback]:
        references = Attempt.objects.filter(disbursement_id=self.disbursement_id).values_list("pk", flat=True)
        waiting = ProviderCallback.objects.filter(processed_at=None, reference__in=[str(pk) for pk in references])
        return list(waiting.order_by("pk"))


def earliest(*times: datetime | None) -> datetime | None:
    """The first of those that are known."""
    return min((at for at in times if at is not None), default=None)


def work(rounds: Rounds, *, tray: Tray, clock: Clock, until: datetime, before_waiting: Callable[[], None]) -> None:
    """Go round, do what is told, wait; until nothing is left to do before `until`."""
    while True:
        rounds.look(clock.at)
        while task := tray.take():
            name, kwargs = task
            app.tasks[name](**kwargs)
        before_waiting()
        wakes = earliest(tray.next_due(), rounds.next_due())
        if wakes is None or wakes > until:
            return
        # What is due and was not handed over now was handed over before, or another worker is on it; beat comes again.
        clock.at = wakes if wakes > clock.at else clock.at + BEAT
