"""Finding generation runs that nobody works on: a lost nudge, or a worker that was killed."""

from datetime import datetime, timedelta

from promos.selectors import runs_without_worker
from promos.tasks import generate_codes

# A fresh run is left to its own nudge for so long.
PATIENCE = timedelta(seconds=10)
# A nudge not taken up by then is worth nothing: the next sweep sends another, and queues do not fill with repeats.
NUDGE_LIVES_SECONDS = 60


def resume_runs(*, at: datetime) -> int:
    """Send every abandoned run to a worker again; how many. A worker already on a run makes the nudge harmless."""
    abandoned = list(runs_without_worker(at, patience=PATIENCE).values_list("pk", flat=True))
    for run_id in abandoned:
        generate_codes.apply_async(kwargs={"run_id": str(run_id)}, expires=NUDGE_LIVES_SECONDS)
    return len(abandoned)
