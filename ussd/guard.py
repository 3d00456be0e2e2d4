"""Runs an act on the database so that the turn ends in time, and says the truth about what it did when it fails."""

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from ussd.clock import Clock
from ussd.watchdog import database_work_ends

# Seconds below which an act is not begun: waiting for a connection alone may take two.
LEAST_FOR_AN_ACT = 2.0
# A restarted server leaves dead connections in the pool, at most so many; each fails at once at its first statement.
MOST_DEAD_CONNECTIONS = 100

logger = structlog.get_logger(__name__)
ResultT = TypeVar("ResultT")


class DatabaseTrouble(Exception):
    """The database failed under an act. `certain`: nothing was done; otherwise it may have been."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, *, certain: bool) -> None:
        self.certain = certain
        super().__init__("nothing was done" if certain else "it may have been done")


class _Statements:
    """Watches the statements of one act. COMMIT is none: an error that no statement raised came with the commit."""

    def __init__(self) -> None:
        self.begun = self.finished = 0
        self.failed_before_commit = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.begun += 1
        self.failed_before_commit = False
        try:
            result = execute(sql, params, many, context)
        except Exception:
            self.failed_before_commit = self.finished == 0 or context["connection"].in_atomic_block
            raise
        self.finished += 1
        return result

    @property
    def nothing_done(self) -> bool:
        """Whether an act that failed now certainly left nothing behind."""
        return self.begun == 0 or self.failed_before_commit


def run_guarded(act: Callable[[], ResultT], *, clock: Clock) -> ResultT:
    """What `act` returns. Acts write in one transaction, or not at all.

    Raises DatabaseTrouble when the database is away, too slow, or was lost under the act.
    """
    for _try in range(MOST_DEAD_CONNECTIONS):
        left = clock.left_for_work()
        if left < LEAST_FOR_AN_ACT:
            logger.warning("ussd_act_not_begun", seconds_left=left)
            raise DatabaseTrouble(certain=True)
        statements = _Statements()
        try:
            with database_work_ends(within=left), connection.execute_wrapper(statements):
                return act()
        except (OperationalError, InterfaceError) as error:
            if statements.finished == 0 and _was_dead_already(statements):
                connection.close()
                continue
            logger.warning("ussd_database_trouble", error=str(error), nothing_done=statements.nothing_done)
            raise DatabaseTrouble(certain=statements.nothing_done) from error
    raise DatabaseTrouble(certain=True)


def _was_dead_already(statements: _Statements) -> bool:
    """Whether there was a connection, and it failed before it did anything. Without one the wait was long enough."""
    raw = connection.connection
    return not connection.in_atomic_block and (raw.closed if raw is not None else statements.begun > 0)
