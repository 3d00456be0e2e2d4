"""Tasks act in the system's name, and say so in the audit trail."""

from contextlib import ExitStack
from typing import Any

from celery.signals import task_postrun, task_prerun

from audit.context import acting

_stacks: dict[str, ExitStack] = {}


@task_prerun.connect
def enter_context(task_id: str, task: Any, **_kwargs: Any) -> None:
    """Everything the task records was done by it."""
    stack = ExitStack()
    stack.enter_context(acting(label=f"task:{task.name}"))
    _stacks[task_id] = stack


@task_postrun.connect
def leave_context(task_id: str, **_kwargs: Any) -> None:
    """The next task starts without an actor."""
    if stack := _stacks.pop(task_id, None):
        stack.close()
