"""Asking a customer to pay for a loan, and looking at such a request. Between any two steps the process may die, and
the next worker goes on from what is stored.

    request_collection -> claim -> count the send, commit -> send -> write down      (nothing was sent yet)
                          claim -> ask -> book | end | ask again later               (something may have been sent)
                                       -> count the send, commit -> send the same    (the provider does not know it)
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from audit.services import record
from configuration.selectors import current, current_or_raise, was_read
from disbursements.services.clock import Clock
from ledger.money import format_amount, is_payable
from loans.collecting import Collections, build_client
from loans.collection_settings import CollectionSettings
from loans.locks import lock_collection, lock_loan, lock_profile
from loans.models import CollectionRequest, Loan
from loans.refusals import LendingRefusal
from loans.services.collection_asking import ask_provider, client_where_sent, may_send_again, record_ask
from loans.services.collection_endings import NOT_SENT_IN_TIME, fail
from loans.services.collection_nudges import nudge_collection
from loans.services.collection_schedule import claim_collection, is_too_late
from loans.services.collection_sending import count_send, record_send, send_request
from loans.services.repayments import LoanNotOwed
from loans.statuses import CollectionStatus, LoanStatus

logger = structlog.get_logger(__name__)


class CollectionUnderWay(LendingRefusal):
    """The customer is being asked to pay for this loan already. `open` is that request."""

    code = "COLLECTION_UNDER_WAY"

    def __init__(self, open_one: CollectionRequest) -> None:
        super().__init__(f"The customer is being asked to pay {open_one} already.")
        self.open = open_one


class CollectionKeyUsed(LendingRefusal):
    """The key was used before for another loan or amount. `first` is that request."""

    code = "COLLECTION_KEY_USED"

    def __init__(self, first: CollectionRequest) -> None:
        super().__init__(f"This key asked for {first} before.")
        self.first = first


class InvalidCollection(LendingRefusal):
    """The amount cannot be asked for: not payable in the currency, more than is owed, or below 1 while 1 is owed."""

    code = "INVALID_COLLECTION"


class CollectionsOff(LendingRefusal):
    """Customers are not asked to pay at the moment, or not in the loan's currency."""

    code = "COLLECTIONS_OFF"


class Progress(StrEnum):
    """What looking at a request came to."""

    NOT_OURS = "not_ours"
    HELD = "held"
    SENT = "sent"
    ASKED = "asked"
    GIVEN_UP = "given_up"


def request_collection(*, loan_id: UUID, amount: Decimal, key: str, at: datetime) -> CollectionRequest:
    """Have the loan's customer asked to pay so much, in the caller's transaction or one of its own.

    The same `key` for the same loan and amount gives the first request again. One request at a time for each loan.
    Raises CollectionUnderWay, CollectionKeyUsed, InvalidCollection, LoanNotOwed, CollectionsOff, SettingsUnknown,
    Loan.DoesNotExist.
    """
    chosen = current_or_raise(CollectionSettings)
    customer_id = Loan.objects.values_list("customer_id", flat=True).get(pk=loan_id)
    with transaction.atomic():
        lock_profile(customer_id)
        loan = lock_loan(loan_id)
        if first := CollectionRequest.objects.filter(key=key).first():
            return _same(first, loan, amount)
        _check(loan, amount, chosen)
        collection = CollectionRequest(
            key=key,
            loan=loan,
            customer_id=customer_id,
            phone=loan.phone,
            amount=amount,
            currency=loan.currency,
            next_action_at=at,
            created_at=at,
        )
        try:
            with transaction.atomic():
                collection.save(force_insert=True)
        except IntegrityError:
            # Only another loan's request with this key can have come between: this loan is locked.
            return _same(CollectionRequest.objects.get(key=key), loan, amount)
        record(
            "collection.requested",
            target=collection,
            after={"loan": str(loan.pk), "amount": str(amount), "currency": loan.currency, "phone": loan.phone},
            at=at,
        )
        nudge_collection(collection.pk)
    return collection


def advance_collection(*, collection_id: UUID, at: datetime) -> Progress:
    """Do the next thing for this request, if it is due and no other worker is on it. Safe to call any number of times.

    Opens its own transactions and speaks to the provider between them: call it outside any.
    """
    if not was_read(CollectionSettings):
        # PostgreSQL was away when this process started. Defaults are not where our money is: it stays due.
        logger.warning("collection_settings_unread", collection=str(collection_id))
        return Progress.HELD
    collection = claim_collection(collection_id=collection_id, at=at)
    if collection is None:
        return Progress.NOT_OURS
    clock = Clock(at)
    if collection.status == CollectionStatus.QUEUED and collection.sends == 0:
        return _send_first(collection, clock=clock)
    return _ask(collection, clock=clock)


def _send_first(collection: CollectionRequest, *, clock: Clock) -> Progress:
    chosen = current(CollectionSettings)
    if is_too_late(chosen, collection, at=clock.now()):
        return _give_up_unsent(collection, clock=clock)
    return _send(collection, build_client(chosen), clock=clock)


def _ask(collection: CollectionRequest, *, clock: Clock) -> Progress:
    client = client_where_sent(collection)
    outcome = ask_provider(collection=collection, client=client)
    if may_send_again(collection=collection, outcome=outcome, client=client, at=clock.now()):
        return _send(collection, client, clock=clock)
    record_ask(collection=collection, outcome=outcome, at=clock.now())
    return Progress.ASKED


def _send(collection: CollectionRequest, client: Collections, *, clock: Clock) -> Progress:
    counted = count_send(collection=collection, client=client, at=clock.now())
    if counted is None:
        return Progress.NOT_OURS
    outcome = send_request(collection=counted, client=client)
    record_send(collection=counted, outcome=outcome, at=clock.now())
    return Progress.SENT


def _give_up_unsent(collection: CollectionRequest, *, clock: Clock) -> Progress:
    """It never left, and the customer does not wait for it any more."""
    with transaction.atomic(durable=True):
        collection = lock_collection(collection.pk)
        if collection.status != CollectionStatus.QUEUED or collection.sends:
            return Progress.NOT_OURS
        code = collection.error_code or NOT_SENT_IN_TIME
        fail(collection, code=code, message=collection.error_message, at=clock.now())
    return Progress.GIVEN_UP


def _same(first: CollectionRequest, loan: Loan, amount: Decimal) -> CollectionRequest:
    """Raises CollectionKeyUsed when it is not the same request."""
    if (first.loan_id, first.amount) != (loan.pk, amount):
        raise CollectionKeyUsed(first)
    return first


def _check(loan: Loan, amount: Decimal, chosen: CollectionSettings) -> None:
    """Raises LoanNotOwed, InvalidCollection, CollectionsOff, CollectionUnderWay."""
    if not chosen.enabled or chosen.currency != loan.currency:
        raise CollectionsOff(f"Customers are not asked to pay in {loan.currency} at the moment.")
    if loan.status not in LoanStatus.OWED:
        raise LoanNotOwed(f"Loan {loan.number} is not owed: {LoanStatus(loan.status).label.lower()}.")
    least = min(Decimal(1), loan.outstanding)
    if not is_payable(amount, loan.currency) or not least <= amount <= loan.outstanding:
        owed = format_amount(loan.outstanding, loan.currency)
        raise InvalidCollection(f"Between {least} and {owed} can be asked for loan {loan.number}, not {amount}.")
    open_one = CollectionRequest.objects.filter(loan=loan, status__in=CollectionStatus.OPEN).first()
    if open_one is not None:
        raise CollectionUnderWay(open_one)
