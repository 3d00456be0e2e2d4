"""Tasks run in their own name, and under the id of the request that asked for them."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery.contrib.testing.worker import start_worker

from audit.context import Actor, acting, current_actor
from config.celery import app
from tests.support.waiting import wait_until

QUEUE = "tests"
seen: list[tuple[Actor, str, dict[str, Any]]] = []


@app.task(name="tests.look_around")
def look_around() -> None:
    """Notes who it is."""
    seen.append((current_actor(), current_actor().request_id, structlog.contextvars.get_contextvars()))


@app.task(name="tests.fail")
def fail() -> None:
    """Ends in an error."""
    seen.append((current_actor(), "", {}))
    raise RuntimeError("as asked")


@pytest.fixture
def worker() -> Iterator[None]:
    """A real worker on the real broker, in a thread of this process."""
    seen.clear()
    with start_worker(app, pool="solo", queues=[QUEUE], perform_ping_check=False, loglevel="CRITICAL"):
        yield
    structlog.contextvars.clear_contextvars()


def send(task: Any, **bound: str) -> str:
    with structlog.contextvars.bound_contextvars(**bound), acting(label="partner@example.com", ip="41.74.1.2"):
        return str(task.apply_async(queue=QUEUE).id)


def test_a_task_knows_its_name_and_the_request_that_caused_it(worker: None) -> None:
    send(look_around, request_id="r-1")
    wait_until(lambda: len(seen) == 1)

    actor, request_id, bound = seen[0]
    assert (actor.label, actor.user_id, request_id) == ("task:tests.look_around", None, "r-1")
    assert bound["request_id"] == "r-1"


def test_nothing_of_one_task_reaches_the_next(worker: None) -> None:
    send(fail, request_id="r-1")
    task_id = send(look_around)
    wait_until(lambda: len(seen) == 2)

    actor, request_id, bound = seen[1]
    assert actor.label == "task:tests.look_around"
    # Asked for by no request, so its own id names it.
    assert request_id == task_id
    assert "request_id" not in bound
    assert current_actor().label == "system"
