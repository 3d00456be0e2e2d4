"""When to look at a request to pay again, and who is on it. All of it stands in the row."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from configuration.selectors import current
from loans.collection_settings import CollectionSettings
from loans.models import CollectionRequest

# One operation at the provider is at most: a token, the call, another token after 401, the call again.
CALLS_PER_OPERATION = 4
SPARE_SECONDS = 10


def claim_length() -> timedelta:
    """Longer than all time limits of one operation together."""
    chosen = current(CollectionSettings)
    call_seconds = chosen.connect_timeout_seconds + chosen.read_timeout_seconds
    return timedelta(seconds=CALLS_PER_OPERATION * call_seconds + SPARE_SECONDS)


def claim_collection(*, collection_id: UUID, at: datetime) -> CollectionRequest | None:
    """Take the request if it is due: a conditional update, and one row counted means it is ours (rule 12).

    None when it is not due, settled, or another worker's. That nobody is charged twice does not rest on it: what a
    second worker does is send or ask about the same reference.
    """
    until = at + claim_length()
    due = CollectionRequest.objects.filter(pk=collection_id, next_action_at__lte=at)
    if due.update(next_action_at=until, claimed_until=until) != 1:
        return None
    return CollectionRequest.objects.select_related("loan").get(pk=collection_id)


def bring_forward(collection_id: UUID, *, at: datetime) -> bool:
    """Have a request looked at now that may have left us and is not booked, unless a worker is on it. False then."""
    is_free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at)
    is_later = Q(next_action_at__isnull=True) | Q(next_action_at__gt=at)
    unbooked = CollectionRequest.objects.filter(is_free, pk=collection_id, sends__gt=0, repayment__isnull=True)
    moved = unbooked.filter(is_later).update(next_action_at=at, claimed_until=None)
    return moved == 1 or unbooked.filter(next_action_at__lte=at).exists()


def next_poll(chosen: CollectionSettings, *, polls: int, at: datetime) -> datetime:
    """After `polls` questions; the last delay repeats."""
    delays = chosen.poll_delays_seconds
    return at + timedelta(seconds=delays[min(max(polls, 0), len(delays) - 1)])


def last_poll(chosen: CollectionSettings, *, at: datetime) -> datetime:
    """The longest pause: a person has been called, and the provider is asked now and then."""
    return next_poll(chosen, polls=len(chosen.poll_delays_seconds), at=at)


def resend_time(chosen: CollectionSettings, collection: CollectionRequest) -> datetime:
    """When a reference the provider does not know may be sent again; it may show up there a moment late."""
    sent_at = collection.sent_at or collection.created_at
    return sent_at + timedelta(seconds=chosen.resend_after_seconds)


def is_too_late(chosen: CollectionSettings, collection: CollectionRequest, *, at: datetime) -> bool:
    """Whether the customer does not wait for the question any more: then it must not be put."""
    return collection.created_at + chosen.approval_time <= at


def is_watched(chosen: CollectionSettings, collection: CollectionRequest, *, at: datetime) -> bool:
    """Whether one that was given up is still asked about."""
    given_up_at = collection.finished_at
    return given_up_at is not None and at < given_up_at + timedelta(hours=chosen.watch_hours)
