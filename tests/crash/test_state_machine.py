"""Random faults, deaths, repeats and clock jumps over the whole engine, with a seed that replays.

`pytest tests/crash/test_state_machine.py --hypothesis-seed=N` runs the same acts again; N is printed when a run fails.
`CRASH_PROFILE=long` runs for a night instead of a minute.
"""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime

import hypothesis
import pytest
from celery.app.task import Task
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.crash.lending_machine import Lending
from tests.crash.lending_town import LendingTown
from tests.crash.machine import Happenings
from tests.crash.town import Town
from tests.crash.workers import Workers
from tests.support.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Examples, and acts in each. Shrinking a failure may take minutes on top.
PROFILES = {"ci": {"payouts": (16, 40), "lending": (6, 40)}, "long": {"payouts": (1000, 60), "lending": (1000, 80)}}
PROFILE = os.environ.get("CRASH_PROFILE", "ci")
STARTS = datetime(2026, 11, 20, 8, tzinfo=UTC)
# Of a whole run; nothing inside is timed.
SECONDS = 36_000 if PROFILE == "long" else 900


@pytest.fixture
def seed(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> int:
    """The nightly run looks for new trouble; the everyday one says the same thing every time."""
    asked = request.config.getoption("--hypothesis-seed")
    seed = int(asked) if asked is not None else random.randrange(2**32) if PROFILE == "long" else 1
    record_property("hypothesis_seed", seed)
    print(f"replay with --hypothesis-seed={seed}")
    return seed


@pytest.fixture
def lost_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every nudge is lost: the rows are the queue."""
    monkeypatch.setattr(Task, "apply_async", lambda task, *args, **kwargs: None)


def run(happenings: type[Happenings], build_town: Callable[[], Town], *, what: str, seed: int) -> None:
    """As many random lives of a town as the profile says."""
    examples, acts = PROFILES[PROFILE][what]

    @hypothesis.seed(seed)
    class Seeded(happenings):  # type: ignore[valid-type, misc]
        def __init__(self) -> None:
            super().__init__()
            self.town = build_town()

    run_state_machine_as_test(
        Seeded,
        settings=settings(
            max_examples=examples,
            stateful_step_count=acts,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(SECONDS)
def test_whatever_happens_money_moves_once(
    seed: int, workers: Workers, sandbox: SandboxProcess, lost_nudges: None
) -> None:
    run(Happenings, lambda: Town(workers=workers, sandbox=sandbox, at=STARTS), what="payouts", seed=seed)


@pytest.mark.timeout(SECONDS)
def test_whatever_happens_loans_add_up(seed: int, workers: Workers, sandbox: SandboxProcess, lost_nudges: None) -> None:
    """The same with customers who borrow and repay beside it, staff who lend, take back and write off, and a Redis that
    comes and goes.
    """
    run(Lending, lambda: LendingTown(workers=workers, sandbox=sandbox, at=STARTS), what="lending", seed=seed)
