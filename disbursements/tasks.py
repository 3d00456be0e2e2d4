"""Celery entry points: "look at row X now". Each is safe to run twice."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="disbursements.advance")
def advance(*, disbursement_id: str) -> str:
    """Do the next thing for one payout, if it is due and nobody is on it."""
    # leaf: services import this module to schedule it.
    from disbursements.services.advance import advance_disbursement

    return advance_disbursement(disbursement_id=disbursement_id, at=timezone.now())


@shared_task(name="disbursements.sweep_due")
def sweep_due() -> int:
    """Hand due payouts whose nudge was lost to the workers."""
    # leaf: services import this module to schedule it.
    from disbursements.services.sweeps import sweep_due_disbursements

    return sweep_due_disbursements(at=timezone.now())


@shared_task(name="disbursements.process_callback")
def process_callback(*, callback_id: int) -> str:
    """Ask the provider about what a stored callback names."""
    # leaf: services import this module to schedule it.
    from disbursements.services.callbacks import process_callback

    return process_callback(callback_id=callback_id, at=timezone.now())


@shared_task(name="disbursements.sweep_callbacks")
def sweep_callbacks() -> int:
    """Hand stored callbacks whose nudge was lost to the workers."""
    # leaf: services import this module to schedule it.
    from disbursements.services.sweeps import sweep_unprocessed_callbacks

    return sweep_unprocessed_callbacks(at=timezone.now())


@shared_task(name="disbursements.check_balances")
def check_balances() -> int:
    """Ask providers what our float is, and wake payouts that waited for it."""
    # leaf: services import this module to schedule it.
    from disbursements.services.floats import check_provider_balances

    return check_provider_balances(at=timezone.now())


@shared_task(name="disbursements.report_stuck")
def report_stuck() -> int:
    """Name payouts that have been too long in a passing state."""
    # leaf: services import this module to schedule it.
    from disbursements.services.stuck import report_stuck_disbursements

    return report_stuck_disbursements(at=timezone.now())
