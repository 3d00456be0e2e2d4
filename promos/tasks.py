"""Celery entry points of promotions. Each is safe to run twice; the rows are the real queue."""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone


@shared_task(name="promos.generate_codes")
def generate_codes(*, run_id: str) -> str:
    """Work one generation run to its end, unless another worker is on it."""
    from promos.services.generation import run_generation  # leaf

    return run_generation(run_id=UUID(run_id)).status


@shared_task(name="promos.sweep_generation")
def sweep_generation() -> int:
    """Nudge runs that nobody works on; how many."""
    from promos.services.generation_sweep import resume_runs  # leaf

    return resume_runs(at=timezone.now())


@shared_task(name="promos.expire_due")
def expire_due() -> dict[str, Any]:
    """Let batches and codes follow their dates."""
    from promos.services.upkeep import keep_up  # leaf

    return keep_up(at=timezone.now())
