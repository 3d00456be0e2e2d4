"""Callbacks about requests to pay: stored whole before they are believed, then only a hint to ask (rule 17)."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from configuration.selectors import current, was_read
from disbursements.providers.base import Answer
from disbursements.statuses import CallbackResult
from loans.collection_settings import CollectionSettings
from loans.models import CollectionCallback, CollectionRequest
from loans.services.collection_asking import ask_provider, client_where_sent
from loans.services.collection_nudges import nudge_callback
from loans.services.collection_schedule import bring_forward, next_poll
from loans.services.collection_settling import settle_paid, settle_refused
from loans.services.collections import Progress, advance_collection
from loans.statuses import CollectionStatus

logger = structlog.get_logger(__name__)

# What a callback says in the words of the status call, and the request that agrees with it (mobile money notes A8).
_AGREES = {"SUCCESSFUL": CollectionStatus.COMPLETED, "FAILED": CollectionStatus.FAILED}
GIVE_UP_ASKING_AFTER = timedelta(days=1)
# Anybody can send callbacks who knows a reference: many of them cause one question in so long.
ASKED_AT_MOST_EVERY = timedelta(seconds=5)


def store_callback(
    *, reference: UUID | None, method: str, headers: dict[str, str], body: str, ip: str | None, at: datetime
) -> CollectionCallback:
    """Keep what came, as it came, and have a worker look at it. Nothing is read from it here."""
    with transaction.atomic():
        callback = CollectionCallback.objects.create(
            reference=reference, method=method[:4], headers=headers, body=body, ip=ip, received_at=at
        )
        nudge_callback(callback.pk)
    return callback


def process_callback(*, callback_id: int, at: datetime) -> CallbackResult:
    """Ask the provider about what a stored callback names, and act on the answer alone.

    Stays pending while a worker is on the request, and while the provider gives no word about one that is booked; the
    sweep comes back to it, less and less often. Safe to run twice.
    """
    callback = CollectionCallback.objects.get(pk=callback_id)
    if callback.processed_at or (callback.look_again_at and callback.look_again_at > at):
        return CallbackResult(callback.result)
    if not was_read(CollectionSettings):
        # Nobody to ask: this process has not been told yet who our provider is.
        return CallbackResult.PENDING
    claim = _read(callback.body)
    collection = _find(callback.reference, claim.get("externalId"))
    if collection is None:
        logger.warning("callback_of_unknown_request", callback=callback.pk, reference=str(callback.reference))
        return _finish(callback, CallbackResult.UNKNOWN_REFERENCE, at=at)
    if _AGREES.get(str(claim.get("status"))) == collection.status:
        return _finish(callback, CallbackResult.NO_CHANGE, at=at)
    if collection.status == CollectionStatus.COMPLETED:
        result = _ask_about_booked(callback, collection, at=at)
    else:
        result = _look_now(callback, collection, at=at)
    return result if result == CallbackResult.PENDING else _finish(callback, result, at=at)


def _look_now(callback: CollectionCallback, collection: CollectionRequest, *, at: datetime) -> CallbackResult:
    """Look at one that is not booked; when it was asked about a moment ago, as soon as that pause is over."""
    if collection.asked_at and (again_at := collection.asked_at + ASKED_AT_MOST_EVERY) > at:
        if bring_forward(collection.pk, at=again_at):
            return CallbackResult.NO_CHANGE
        return _look_again(callback, when=again_at)
    if not bring_forward(collection.pk, at=at):
        collection.refresh_from_db()
        if collection.sends == 0:
            # Nobody can have been asked: whoever calls does not know better than we do.
            return CallbackResult.NO_CHANGE
        if collection.status != CollectionStatus.COMPLETED:
            return _look_again(callback, when=at + ASKED_AT_MOST_EVERY)
    if advance_collection(collection_id=collection.pk, at=at) == Progress.NOT_OURS:
        return _look_again(callback, when=at + ASKED_AT_MOST_EVERY)
    was_open = collection.status in CollectionStatus.OPEN
    collection.refresh_from_db()
    is_settled = collection.status == CollectionStatus.COMPLETED or (
        was_open and collection.status == CollectionStatus.FAILED
    )
    return CallbackResult.SETTLED if is_settled else CallbackResult.NO_CHANGE


def _ask_about_booked(callback: CollectionCallback, collection: CollectionRequest, *, at: datetime) -> CallbackResult:
    """It is booked and the callback does not say the same: the provider's word decides whether a person must look."""
    outcome = ask_provider(collection=collection, client=client_where_sent(collection))
    if outcome.answer == Answer.PAID:
        settle_paid(collection=collection, outcome=outcome, at=at)
        return CallbackResult.NO_CHANGE
    if outcome.answer == Answer.REFUSED:
        settle_refused(collection_id=collection.pk, outcome=outcome, at=at)
        return CallbackResult.CONTRADICTS
    if callback.received_at + GIVE_UP_ASKING_AFTER <= at:
        return CallbackResult.UNANSWERED
    chosen = current(CollectionSettings)
    return _look_again(callback, when=next_poll(chosen, polls=callback.looks, at=at))


def _look_again(callback: CollectionCallback, *, when: datetime) -> CallbackResult:
    callback.look_again_at = when
    callback.looks += 1
    callback.save(update_fields=["looks", "look_again_at"])
    return CallbackResult.PENDING


def _finish(callback: CollectionCallback, result: CallbackResult, *, at: datetime) -> CallbackResult:
    callback.result = result
    callback.processed_at = at
    callback.save(update_fields=["result", "processed_at"])
    return result


def _find(reference: UUID | None, external_id: object) -> CollectionRequest | None:
    """The request that a callback speaks of: by the reference in its address, else by our id in its body."""
    if reference is None:
        try:
            reference = UUID(str(external_id))
        except ValueError:
            return None
    return CollectionRequest.objects.filter(pk=reference).first()


def _read(body: str) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
