"""Workers on generation runs: two at once, killed, cancelled, never nudged."""

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from promos.models import Batch, GenerationRun, PromoCode
from promos.services import generation
from promos.services.generation import (
    RunFinished,
    cancel_generation,
    run_generation,
)
from promos.services.generation_sweep import resume_runs
from promos.tasks import generate_codes
from tests.audit.threads import run_together
from tests.promos.conftest import actions
from tests.promos.runs import assert_whole, order

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_run_make_it_once(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHUNK", 10)
    run = order(batch, 200, now)

    run_together(3, lambda _number: run_generation(run_id=run.pk))

    assert_whole(run, 200)
    assert actions("promo.generation.completed") == ["promo.generation.completed"]


@pytest.mark.django_db(transaction=True)
def test_worker_that_lost_its_lease_does_no_harm(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both believe the run is theirs, and take turns at the row."""
    monkeypatch.setattr(generation, "CHUNK", 10)
    monkeypatch.setattr(generation, "LEASE", timedelta(seconds=-1))
    run = order(batch, 200, now)

    run_together(3, lambda _number: run_generation(run_id=run.pk))

    assert_whole(run, 200)
    assert actions("promo.generation.completed") == ["promo.generation.completed"]


def test_task_may_run_twice(batch: Batch, now: datetime) -> None:
    run = order(batch, 5, now)

    assert [generate_codes(run_id=str(run.pk)) for _ in range(2)] == ["completed", "completed"]
    assert_whole(run, 5)


@pytest.mark.django_db(transaction=True)
def test_killed_worker_leaves_whole_chunks_and_another_goes_on(
    batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL in the middle, with a chunk copied but not committed: no doubles, no short count."""
    run = order(batch, 60_000, now)
    script = (
        "import sys, time, uuid, django; django.setup()\n"
        "from promos.services import generation\n"
        "store, chunks = generation.store_codes, iter(range(1, 13))\n"
        "def store_and_stop(**arguments):\n"
        "    store(**arguments)\n"
        "    if next(chunks) == 4:\n"
        "        print('copied', flush=True); time.sleep(600)\n"
        "generation.store_codes, generation.CHUNK = store_and_stop, 5_000\n"
        "generation.run_generation(run_id=uuid.UUID(sys.argv[1]))\n"
    )
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    worker = subprocess.Popen(
        [sys.executable, "-c", script, str(run.pk)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    try:
        assert b"copied" in iter(lambda: worker.stdout.readline().strip(), b"")
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    run.refresh_from_db()
    assert (run.status, run.generated, PromoCode.objects.count()) == ("running", 15_000, 15_000)

    # While the dead worker's lease runs, nobody takes over; then the sweep sends it to a worker.
    assert run_generation(run_id=run.pk).status == "running"
    sent: list[str] = []
    monkeypatch.setattr(generate_codes, "apply_async", lambda kwargs, expires: sent.append(kwargs["run_id"]))
    assert resume_runs(at=run.lease_until - timedelta(seconds=1)) == 0
    assert resume_runs(at=run.lease_until + timedelta(seconds=1)) == 1
    assert sent == [str(run.pk)]
    later = run.lease_until + timedelta(seconds=1)
    run_generation(run_id=run.pk, clock=lambda: later)

    assert_whole(run, 60_000)
    assert PromoCode.objects.count() == 60_000
    assert actions("promo.generation") == ["promo.generation.ordered", "promo.generation.completed"]


def test_sweep_finds_orders_whose_nudge_was_lost(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    run = order(batch, 5, now)
    sent: list[str] = []
    monkeypatch.setattr(generate_codes, "apply_async", lambda kwargs, expires: sent.append(kwargs["run_id"]))

    assert resume_runs(at=now + timedelta(seconds=5)) == 0
    assert resume_runs(at=now + timedelta(seconds=15)) == 1
    assert sent == [str(run.pk)]
    run_generation(run_id=run.pk)
    assert resume_runs(at=now + timedelta(days=1)) == 0


# Cancelling


def test_cancel_before_a_worker_comes(batch: Batch, now: datetime) -> None:
    run = order(batch, 5, now)

    assert cancel_generation(run_id=run.pk, at=now).status == "cancelled"

    assert run_generation(run_id=run.pk).status == "cancelled"
    assert PromoCode.objects.count() == 0
    with pytest.raises(RunFinished):
        cancel_generation(run_id=run.pk, at=now)


def test_cancel_in_the_middle_keeps_what_was_made(batch: Batch, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHUNK", 4)
    run = order(batch, 100, now)
    store = generation.store_codes

    def store_and_cancel(**arguments) -> None:
        store(**arguments)
        if PromoCode.objects.count() == 8:
            # As another process asks for it: heard when the next chunk begins.
            GenerationRun.objects.filter(pk=run.pk).update(cancel_requested=True)

    monkeypatch.setattr(generation, "store_codes", store_and_cancel)
    run_generation(run_id=run.pk)

    run.refresh_from_db()
    batch.refresh_from_db()
    assert (run.status, run.generated, batch.total_codes, PromoCode.objects.count()) == ("cancelled", 8, 8, 8)
    assert run.finished_at is not None


def test_cancel_while_a_worker_is_on_it_is_asked_once(batch: Batch, now: datetime) -> None:
    run = order(batch, 5, now)
    GenerationRun.objects.filter(pk=run.pk).update(status="running", lease_until=now + timedelta(seconds=60))

    for _ in range(2):
        assert cancel_generation(run_id=run.pk, at=now).status == "running"

    assert actions("promo.generation") == ["promo.generation.ordered", "promo.generation.cancel_requested"]
    # Its worker died: the next one only has to end it.
    run_generation(run_id=run.pk, clock=lambda: now + timedelta(seconds=61))
    run.refresh_from_db()
    assert (run.status, run.generated) == ("cancelled", 0)
