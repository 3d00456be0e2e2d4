"""A process whose workers may be killed at any step. `tests.crash.workers.Workers` starts it; no test imports it.

The process itself only loads the product. For each order it reads (a line of JSON) it forks one worker. It says how the
worker ended (a line of JSON): its exit status, the steps it passed, and the time on its clock when it passed the last.
"""

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import requests
from celery.app.task import Task
from django.db import connections
from django.test import Client
from django.utils import timezone

from config.celery import app
from disbursements.models import Attempt
from disbursements.services import advance
from tests.crash.deaths import die, load_steps, watch_steps
from tests.crash.life import Clock, OnePayout, Sweeps, Tray, work
from tests.crash.loan_steps import APPROVE, LOAN_STEPS
from tests.crash.steps import PAYOUT_STEPS, WEB_STEPS
from tests.support.no_http_in_transaction import forbid_http_in_transaction

WEB = {**WEB_STEPS, **APPROVE}
WORKER = {**PAYOUT_STEPS, **LOAN_STEPS}


def live(order: dict[str, Any], told: int) -> None:
    """One worker's life; each step it passes is written to the pipe `told`."""
    clock = Clock(datetime.fromisoformat(order["at"]))
    timezone.now = clock.now
    tray = Tray(clock)
    left = order["times"]

    def put(task: Task, *args: Any, **kwargs: Any) -> None:
        tray.put(task, *args, **kwargs)

    Task.apply_async = put

    def passed(name: str) -> None:
        nonlocal left
        os.write(told, f"{name} {clock.at.isoformat()}\n".encode())
        if name == order["fatal"]:
            left -= 1
            if left == 0:
                die()

    watch_steps(WEB if order["request"] else WORKER, passed)
    if order["naive"]:
        take_silence_for_failure()
    with forbid_http_in_transaction():
        if order["request"]:
            answer(**order["request"])
        else:
            work(
                OnePayout(order["only"]) if order["only"] else Sweeps(),
                tray=tray,
                clock=clock,
                until=clock.at + timedelta(seconds=order["seconds"]),
                before_waiting=lambda: await_callbacks(order["callbacks_of"]),
            )
    os.write(told, f"done {clock.at.isoformat()}\n".encode())
    connections.close_all()


def answer(*, path: str, body: str, content_type: str, headers: dict[str, str]) -> None:
    """What a web process does with one request."""
    Client().post(path, body.encode(), content_type=content_type, headers=headers)


def take_silence_for_failure() -> None:
    """The mistake that the matrix is there to find: what got no answer is tried anew."""

    look = advance.live_attempt

    def look_and_forget(disbursement_id: UUID) -> Attempt | None:
        silent = Attempt.objects.filter(disbursement_id=disbursement_id, status__in=["created", "unknown"])
        silent.update(status="refused")
        return look(disbursement_id)

    advance.live_attempt = look_and_forget


def await_callbacks(sandbox: str) -> None:
    """While callbacks are in the post no time passes."""
    while sandbox:
        posted = requests.get(f"{sandbox}/_sandbox/momo/callbacks", timeout=60).json()
        pending = requests.get(f"{sandbox}/_sandbox/momo/transfers?status=PENDING", timeout=60).json()
        if not pending and all(delivery["state"] != "waiting" for delivery in posted):
            return
        time.sleep(0.01)


def fork(order: dict[str, Any]) -> dict[str, Any]:
    """Let one worker live; how it ended."""
    listening, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(listening)
        run_and_leave(lambda: live(order, told))
    os.close(told)
    with os.fdopen(listening) as pipe:
        lines = [line.split() for line in pipe]
    _, status = os.waitpid(pid, 0)
    return {"status": status, "steps": [name for name, _at in lines], "at": lines[-1][1] if lines else order["at"]}


def run_and_leave(act: Callable[[], None]) -> NoReturn:
    """A forked process must not return into its parent's loop."""
    try:
        act()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Fork for each order until there are no more."""
    app.loader.import_default_modules()
    app.finalize()
    load_steps({**WORKER, **WEB})
    # What is loaded now is shared by all workers; no collection shall copy it.
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)
