"""Asking the provider what became of a request to pay, where it was sent, and writing down what was said."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from configuration.selectors import current
from disbursements.providers.base import Answer, Outcome
from disbursements.services.connections import release_connection
from disbursements.statuses import ErrorClass
from loans.collecting import Collections, build_client
from loans.collection_settings import CollectionSettings
from loans.locks import lock_collection
from loans.models import CollectionRequest
from loans.services.collection_endings import (
    NOT_TAKEN_IN_TIME,
    call_for_set_up,
    error_fields,
    fail,
    raise_alarm,
    save,
    withdraw_alarm,
)
from loans.services.collection_schedule import is_too_late, is_watched, next_poll, resend_time
from loans.services.collection_sending import accept, nudge_when_due
from loans.services.collection_settling import settle_paid, settle_refused
from loans.statuses import CollectionAlarm, CollectionStatus

# Code of an answer that only the API user who sent the reference could give.
OTHER_USER = "OTHER_API_USER"


def client_where_sent(collection: CollectionRequest) -> Collections:
    """The provider where this request was sent, with the credentials of now."""
    chosen = current(CollectionSettings)
    return build_client(chosen, base_url=collection.base_url, environment=collection.environment)


def ask_provider(*, collection: CollectionRequest, client: Collections) -> Outcome:
    """What became of this reference. HTTP only: no transaction may be open (rule 16).

    That another API user than the one who sent it does not find it says nothing: a person must look.
    """
    release_connection()
    outcome = client.look_up(collection.pk)
    if outcome.answer != Answer.NOT_FOUND or is_same_place(collection, client):
        return outcome
    words = f"Sent as API user {collection.api_user or 'none'}: only that user can ask about it."
    return replace(
        outcome, answer=Answer.NOT_ASKED, error_class=ErrorClass.CONFIGURATION, code=OTHER_USER, message=words
    )


def record_ask(*, collection: CollectionRequest, outcome: Outcome, at: datetime) -> None:
    """Write down what the provider said."""
    if outcome.answer == Answer.PAID:
        settle_paid(collection=collection, outcome=outcome, at=at)
    elif outcome.answer == Answer.REFUSED:
        settle_refused(collection_id=collection.pk, outcome=outcome, at=at)
    else:
        _record_unsettled(collection, outcome, at=at)


def may_send_again(*, collection: CollectionRequest, outcome: Outcome, client: Collections, at: datetime) -> bool:
    """Whether the same reference may leave once more: it was never accepted, the provider has had time to know it and
    does not, and the customer still waits.
    """
    if collection.status != CollectionStatus.QUEUED or outcome.answer != Answer.NOT_FOUND:
        return False
    chosen = current(CollectionSettings)
    if collection.was_turned_away or is_too_late(chosen, collection, at=at):
        return False
    return is_same_place(collection, client) and resend_time(chosen, collection) <= at


def is_same_place(collection: CollectionRequest, client: Collections) -> bool:
    """Whether this client speaks where, and as whom, the request was sent."""
    return client.place == (collection.base_url, collection.environment, collection.api_user)


def _record_unsettled(collection: CollectionRequest, outcome: Outcome, *, at: datetime) -> None:
    """Not final: ask again later, less and less often; or give up what the provider never took and no longer will.
    Does nothing when another worker has booked it meanwhile.
    """
    chosen = current(CollectionSettings)
    with transaction.atomic(durable=True):
        collection = lock_collection(collection.pk)
        if collection.status == CollectionStatus.COMPLETED:
            return
        is_early = collection.asked_at is not None and at < next_poll(
            chosen, polls=collection.polls, at=collection.asked_at
        )
        # A question asked early for a callback does not count: else callbacks could slow the schedule down.
        save(collection, polls=collection.polls + (not is_early), asked_at=at, http_status=outcome.http_status)
        if collection.status == CollectionStatus.FAILED:
            _watch_on(collection, chosen, at=at)
        elif outcome.answer == Answer.PENDING:
            withdraw_alarm(collection, reason="The provider knows it", at=at)
            _go_on(collection, outcome, chosen, at=at)
        elif _was_never_taken(collection, outcome, chosen, at=at):
            code = collection.error_code if collection.was_turned_away else NOT_TAKEN_IN_TIME
            watch_from = next_poll(chosen, polls=collection.polls, at=at)
            fail(collection, code=code, message=collection.error_message, watch_from=watch_from, at=at)
        else:
            _go_on(collection, outcome, chosen, at=at)
            _call_a_person(collection, outcome, chosen, at=at)


def _go_on(collection: CollectionRequest, outcome: Outcome, chosen: CollectionSettings, *, at: datetime) -> None:
    ask_at = next_poll(chosen, polls=collection.polls, at=at)
    if outcome.answer == Answer.PENDING and collection.status == CollectionStatus.QUEUED:
        accept(collection, outcome, ask_at=ask_at)
        return
    if outcome.answer == Answer.NOT_FOUND and collection.status == CollectionStatus.QUEUED:
        # Not there yet, or never there: look when the same reference may be sent again, at the latest.
        ask_at = min(ask_at, max(resend_time(chosen, collection), next_poll(chosen, polls=0, at=at)))
    # Why the door turned it away is what the customer hears in the end.
    words = {} if collection.was_turned_away else error_fields(outcome)
    save(collection, next_action_at=ask_at, claimed_until=None, **words)
    nudge_when_due(collection, at=at)


def _watch_on(collection: CollectionRequest, chosen: CollectionSettings, *, at: datetime) -> None:
    goes_on = is_watched(chosen, collection, at=at)
    ask_at = next_poll(chosen, polls=collection.polls, at=at) if goes_on else None
    save(collection, next_action_at=ask_at, claimed_until=None)


def _was_never_taken(
    collection: CollectionRequest, outcome: Outcome, chosen: CollectionSettings, *, at: datetime
) -> bool:
    """Whether the provider does not have it although every send has had time to arrive, and it is not sent again."""
    if collection.status != CollectionStatus.QUEUED or outcome.answer != Answer.NOT_FOUND:
        return False
    is_over = collection.was_turned_away or is_too_late(chosen, collection, at=at)
    return is_over and resend_time(chosen, collection) <= at


def _call_a_person(
    collection: CollectionRequest, outcome: Outcome, chosen: CollectionSettings, *, at: datetime
) -> None:
    is_lost = collection.status == CollectionStatus.PENDING and outcome.answer == Answer.NOT_FOUND
    if is_lost and resend_time(chosen, collection) <= at:
        raise_alarm(collection, CollectionAlarm.LOST, detail=f"at {collection.base_url}", at=at)
    else:
        call_for_set_up(collection, outcome, at=at)
