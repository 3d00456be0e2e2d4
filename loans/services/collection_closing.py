"""What a person may do about a request to pay: have it asked about now, and close one that nobody can settle."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.context import acting
from configuration.selectors import current
from disbursements.providers.base import Answer, Outcome
from loans.collection_settings import CollectionSettings
from loans.locks import lock_collection
from loans.models import CollectionRequest
from loans.refusals import LendingRefusal
from loans.services.collection_asking import ask_provider, client_where_sent
from loans.services.collection_endings import close
from loans.services.collection_nudges import nudge_collection
from loans.services.collection_schedule import bring_forward
from loans.services.collection_settling import settle_paid, settle_refused
from loans.statuses import CollectionStatus


class CollectionNotClosable(LendingRefusal):
    """The customer may still pay, or may have paid: the provider's word comes first."""

    code = "COLLECTION_NOT_CLOSABLE"


def ask_again(*, collection_id: UUID, at: datetime) -> bool:
    """Have the provider asked about it now. False when there is nothing to ask, or a worker is on it."""
    with transaction.atomic():
        asked = bring_forward(collection_id, at=at)
        if asked:
            nudge_collection(collection_id)
    return asked


def close_collection(*, collection_id: UUID, closed_by: User, reason: str, at: datetime) -> CollectionRequest:
    """Ask the provider once more and settle on its word; else close the request without money.

    That is right for one whose payment was found to differ and was entered by hand, and for one the provider does not
    know after `not_paid_after_hours`. Should it be paid all the same, it is booked when we hear of it.
    Raises CollectionNotClosable, CollectionRequest.DoesNotExist. Speaks HTTP: call it outside any transaction.
    """
    collection = CollectionRequest.objects.select_related("loan").get(pk=collection_id)
    if collection.status not in CollectionStatus.OPEN and not collection.alarm:
        raise CollectionNotClosable("It has ended, and there is nothing to look at.")
    with acting(user_id=closed_by.pk, label=closed_by.get_username()):
        if collection.sends and collection.repayment_id is None:
            outcome = ask_provider(collection=collection, client=client_where_sent(collection))
            if _settle_on_word(collection, outcome, at=at):
                return CollectionRequest.objects.get(pk=collection_id)
        with transaction.atomic(durable=True):
            sends, collection = collection.sends, lock_collection(collection_id)
            if collection.sends != sends:
                raise CollectionNotClosable("It has been sent meanwhile. Look again.")
            close(collection, closed_by=closed_by, reason=reason, at=at)
    return collection


def _settle_on_word(collection: CollectionRequest, outcome: Outcome, *, at: datetime) -> bool:
    """Whether the provider's word ended it. False when a person may close it. Raises CollectionNotClosable."""
    if outcome.answer == Answer.PAID:
        return settle_paid(collection=collection, outcome=outcome, at=at)
    if outcome.answer == Answer.REFUSED:
        settle_refused(collection_id=collection.pk, outcome=outcome, at=at)
        return not CollectionRequest.objects.get(pk=collection.pk).alarm
    if outcome.answer == Answer.PENDING:
        raise CollectionNotClosable("The provider says that the customer may still pay.")
    if outcome.answer != Answer.NOT_FOUND:
        raise CollectionNotClosable(f"The provider gave no answer: {outcome.code} {outcome.message}".strip())
    hours = current(CollectionSettings).not_paid_after_hours
    assert collection.sent_at is not None, "one that may have left has the time"
    if collection.sent_at + timedelta(hours=hours) > at:
        raise CollectionNotClosable(f"The provider does not know it, which proves nothing before {hours} hours.")
    return False
