"""What a lost nudge left behind. Both sweeps may run beside themselves: taken rows are skipped, tasks repeatable."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from disbursements.models import Disbursement, ProviderCallback
from disbursements.services.claims import due_disbursements
from disbursements.services.nudges import nudge_callback, nudge_disbursement

# A row handed to the workers and still due after so long: the message is taken for lost.
RENUDGE_AFTER = timedelta(seconds=60)
# A nudge not taken up by then is worth nothing: the sweep sends another, and the broker does not fill with copies.
NUDGE_LIVES_SECONDS = RENUDGE_AFTER.total_seconds()
# A callback is normally looked at within seconds.
CALLBACK_GRACE = timedelta(seconds=10)
AT_ONCE = 500


def sweep_due_disbursements(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Hand due payouts to the workers, oldest first; how many. A row is handed over once per time it falls due,
    and again only after a minute, when the first nudge is worth nothing any more.
    """
    with transaction.atomic():
        due = Disbursement.objects.filter(due_disbursements(at=at, renudge_after=RENUDGE_AFTER))
        taken = due.order_by("next_action_at").select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit]
        ids = list(taken)
        Disbursement.objects.filter(pk__in=ids).update(swept_at=at)
        for disbursement_id in ids:
            nudge_disbursement(disbursement_id, lives_seconds=NUDGE_LIVES_SECONDS)
    return len(ids)


def sweep_unprocessed_callbacks(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Hand stored callbacks nobody has looked at to the workers; how many."""
    is_due = Q(look_again_at__isnull=True) | Q(look_again_at__lte=at)
    waiting = ProviderCallback.objects.filter(is_due, processed_at__isnull=True, received_at__lte=at - CALLBACK_GRACE)
    ids = list(waiting.order_by("received_at").values_list("pk", flat=True)[:limit])
    for callback_id in ids:
        nudge_callback(callback_id, lives_seconds=NUDGE_LIVES_SECONDS)
    return len(ids)
