"""What a lost nudge left behind, and what has been under way for too long. Each may run beside itself."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q

from loans.models import CollectionCallback, CollectionRequest
from loans.selectors_collections import stuck_collections
from loans.services.collection_nudges import nudge_callback, nudge_collection

# A row handed to the workers and still due after so long: the message is taken for lost.
RENUDGE_AFTER = timedelta(seconds=60)
# A nudge not taken up by then is worth nothing: the sweep sends another, and the broker does not fill with copies.
NUDGE_LIVES_SECONDS = RENUDGE_AFTER.total_seconds()
# A callback is normally looked at within seconds.
CALLBACK_GRACE = timedelta(seconds=10)
AT_ONCE = 500
# One report names no more than this; the count is always whole.
NAMED_AT_ONCE = 100

logger = structlog.get_logger(__name__)


def sweep_due_collections(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Hand due requests to the workers, oldest first; how many. A row is handed over once per time it falls due, and
    again only after a minute, when the first nudge is worth nothing any more.
    """
    not_handed_over = Q(swept_at__isnull=True) | Q(swept_at__lt=F("next_action_at"))
    waiting = CollectionRequest.objects.filter(
        not_handed_over | Q(swept_at__lte=at - RENUDGE_AFTER), next_action_at__lte=at
    )
    with transaction.atomic():
        taken = waiting.order_by("next_action_at").select_for_update(skip_locked=True, no_key=True)
        ids = list(taken.values_list("pk", flat=True)[:limit])
        CollectionRequest.objects.filter(pk__in=ids).update(swept_at=at)
        for collection_id in ids:
            nudge_collection(collection_id, lives_seconds=NUDGE_LIVES_SECONDS)
    return len(ids)


def sweep_unprocessed_callbacks(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Hand stored callbacks nobody has looked at to the workers; how many."""
    is_due = Q(look_again_at__isnull=True) | Q(look_again_at__lte=at)
    waiting = CollectionCallback.objects.filter(is_due, processed_at__isnull=True, received_at__lte=at - CALLBACK_GRACE)
    ids = list(waiting.order_by("received_at").values_list("pk", flat=True)[:limit])
    for callback_id in ids:
        nudge_callback(callback_id, lives_seconds=NUDGE_LIVES_SECONDS)
    return len(ids)


def report_stuck_collections(*, at: datetime) -> int:
    """One warning in the log per request that is open for too long; how many there are."""
    stuck = stuck_collections(at=at)
    for collection in stuck[:NAMED_AT_ONCE]:
        logger.warning(
            "collection_stuck",
            collection=str(collection.pk),
            status=collection.status,
            alarm=collection.alarm,
            error_code=collection.error_code,
            open_minutes=int((at - collection.created_at).total_seconds() // 60),
        )
    return stuck.count()
