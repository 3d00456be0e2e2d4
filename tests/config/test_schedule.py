"""What runs when: every name in the schedule is a task, and every task has a queue that somebody listens to."""

from typing import Any

import pytest
from django.conf import settings

from config.celery import app
from config.doctor.broker import QUEUES


@pytest.fixture(scope="module")
def our_tasks() -> list[str]:
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if not name.startswith(("celery.", "tests.")))


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_every_scheduled_task_exists(our_tasks: list[str]) -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled - set(our_tasks) == set()


def test_every_task_goes_to_a_known_queue(our_tasks: list[str]) -> None:
    routes = {task: queue_of(task) for task in our_tasks}

    assert set(routes.values()) == set(QUEUES)
    speaking_to_providers = {"loans.advance_collection", "loans.process_collection_callback"}
    assert {task for task, queue in routes.items() if queue == "payouts"} == speaking_to_providers | {
        task for task in our_tasks if task.startswith("disbursements.")
    }
    assert routes["promos.generate_codes"] == "exports"


def test_sweeps_run_often_enough() -> None:
    seconds: dict[str, Any] = {entry["task"]: entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert seconds["disbursements.sweep_due"] <= 5
    assert seconds["loans.sweep_collections"] <= 5
    assert seconds["notifications.sweep_due"] <= 10
    assert seconds["promos.sweep_generation"] <= 15


def test_a_task_lost_with_its_worker_runs_again() -> None:
    conf = app.conf

    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier) == (True, True, 1)
    assert conf.broker_transport_options["visibility_timeout"] >= 1.5 * conf.task_time_limit
