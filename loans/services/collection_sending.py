"""Having a customer asked: count and commit the send, then speak, then write down what was said.

`sends` counts what may have left. It is raised and committed before the bytes go, and lowered again only when the
client says that nothing went. The reference is the row's own key, stored when the customer asked: there is no other.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from configuration.selectors import current
from disbursements.providers.base import Answer, Outcome
from disbursements.services.connections import release_connection
from loans.collecting import Collections, Demand
from loans.collection_settings import CollectionSettings
from loans.locks import lock_collection
from loans.models import CollectionRequest
from loans.services.collection_endings import call_for_set_up, error_fields, fail, save
from loans.services.collection_nudges import nudge_collection
from loans.services.collection_schedule import claim_length, next_poll
from loans.statuses import CollectionStatus

logger = structlog.get_logger(__name__)


def count_send(*, collection: CollectionRequest, client: Collections, at: datetime) -> CollectionRequest | None:
    """Count and commit that the reference is about to be sent there. None when that is no longer right: it was accepted
    or ended, or another worker has counted a send since `collection` was read.
    """
    base_url, environment, api_user = client.place
    with transaction.atomic(durable=True):
        read, collection = collection, lock_collection(collection.pk)
        if collection.status != CollectionStatus.QUEUED or collection.sends != read.sends:
            return None
        until = at + claim_length()
        save(
            collection,
            sends=collection.sends + 1,
            sent_at=at,
            base_url=base_url,
            environment=environment,
            api_user=api_user,
            next_action_at=until,
            claimed_until=until,
        )
    return collection


def send_request(*, collection: CollectionRequest, client: Collections) -> Outcome:
    """Hand the request to the provider. HTTP only: no transaction may be open (rule 16)."""
    demand = Demand(
        reference=collection.pk,
        payer=collection.phone,
        amount=collection.amount,
        currency=collection.currency,
        payer_message=f"Loan {collection.loan.number}",
        payee_note=f"Repayment {collection.loan.number}",
    )
    release_connection()
    return client.ask_to_pay(demand)


def record_send(*, collection: CollectionRequest, outcome: Outcome, at: datetime) -> None:
    """Write down what the provider said to a send.

    When another worker has sent, settled or given up meanwhile, only what cannot be learned later is kept; a send that
    may have got through after it was given up is asked about.
    """
    chosen = current(CollectionSettings)
    with transaction.atomic(durable=True):
        counted, collection = collection, lock_collection(collection.pk)
        if collection.status == CollectionStatus.FAILED:
            _record_overtaken(collection, outcome, at=at)
            return
        if collection.status != CollectionStatus.QUEUED or collection.sends > counted.sends:
            _record_late(collection, outcome)
            return
        match outcome.answer:
            case Answer.ACCEPTED:
                poll_at = next_poll(chosen, polls=collection.polls, at=at)
                accept(collection, outcome, ask_at=poll_at)
            case Answer.TURNED_AWAY:
                _record_turned_away(collection, outcome, chosen, at=at)
            case Answer.NOT_ASKED:
                _put_off(collection, outcome, chosen, sends=collection.sends - 1, at=at)
            case Answer.BLOCKED:
                _put_off(collection, outcome, chosen, sends=collection.sends, at=at)
            case _:
                _ask_later(collection, outcome, chosen, at=at)


def accept(collection: CollectionRequest, outcome: Outcome, *, ask_at: datetime) -> None:
    """The provider has it, and the customer is asked: this reference is never sent again."""
    save(
        collection,
        status=CollectionStatus.PENDING,
        http_status=outcome.http_status,
        was_turned_away=False,
        next_action_at=ask_at,
        claimed_until=None,
        **error_fields(),
    )
    nudge_when_due(collection, at=ask_at)


def nudge_when_due(collection: CollectionRequest, *, at: datetime) -> None:
    """Have a worker look when it falls due, if that is within seconds."""
    assert collection.next_action_at is not None
    nudge_collection(collection.pk, after_seconds=(collection.next_action_at - at).total_seconds())


def _record_turned_away(
    collection: CollectionRequest, outcome: Outcome, chosen: CollectionSettings, *, at: datetime
) -> None:
    """Nothing was taken. An earlier send may still get through, though: then the provider is asked before it ends."""
    if collection.sends > 1:
        _ask_later(collection, outcome, chosen, was_turned_away=True, at=at)
    else:
        fail(collection, code=outcome.code, message=outcome.message, at=at)
    call_for_set_up(collection, outcome, at=at)


def _ask_later(
    collection: CollectionRequest,
    outcome: Outcome,
    chosen: CollectionSettings,
    *,
    was_turned_away: bool = False,
    at: datetime,
) -> None:
    save(
        collection,
        http_status=outcome.http_status,
        was_turned_away=was_turned_away,
        next_action_at=next_poll(chosen, polls=collection.polls, at=at),
        claimed_until=None,
        **error_fields(outcome),
    )
    nudge_when_due(collection, at=at)


def _put_off(
    collection: CollectionRequest, outcome: Outcome, chosen: CollectionSettings, *, sends: int, at: datetime
) -> None:
    """Something between us and the provider: try again in a while, as long as the customer waits."""
    save(
        collection,
        sends=sends,
        http_status=outcome.http_status,
        next_action_at=at + timedelta(seconds=chosen.retry_seconds),
        claimed_until=None,
        **error_fields(outcome),
    )
    nudge_when_due(collection, at=at)
    call_for_set_up(collection, outcome, at=at)


def _record_late(collection: CollectionRequest, outcome: Outcome) -> None:
    """Sent again, accepted or booked by another worker: who did that decides what follows."""
    logger.warning("collection_send_late", collection=str(collection.pk), answer=outcome.answer.value)
    if outcome.answer == Answer.NOT_ASKED:
        save(collection, sends=collection.sends - 1)


def _record_overtaken(collection: CollectionRequest, outcome: Outcome, *, at: datetime) -> None:
    """Given up meanwhile. What may have got through all the same is asked about, and booked when it was paid."""
    logger.warning("collection_send_overtaken", collection=str(collection.pk), answer=outcome.answer.value)
    if outcome.answer in (Answer.ACCEPTED, Answer.UNKNOWN):
        save(collection, next_action_at=at, claimed_until=None)
        nudge_collection(collection.pk)
