"""The work behind the web process, done in this process: a real worker on the real broker, and the sweeps of beat."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery.contrib.testing.worker import start_worker

from config.celery import app

QUEUES = ("payouts", "notifications", "exports", "default")
# What beat sends; nudges that were lost, and what is due only later, is found by these.
SWEEPS = (
    "disbursements.sweep_due",
    "disbursements.sweep_callbacks",
    "loans.sweep_collections",
    "loans.sweep_collection_callbacks",
    "notifications.sweep_due",
    "ussd.store_turns",
)
EVERY_SECONDS = 0.5


@contextmanager
def background_work() -> Iterator[None]:
    """Inside, tasks run and sweeps come round, as with `make run`. For tests with committed data."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(EVERY_SECONDS):
            for name in SWEEPS:
                app.send_task(name)

    sender = threading.Thread(target=beat, daemon=True)
    with start_worker(
        app, pool="solo", queues=list(QUEUES), perform_ping_check=False, loglevel="CRITICAL", shutdown_timeout=60
    ):
        sender.start()
        try:
            yield
        finally:
            over.set()
            sender.join()
