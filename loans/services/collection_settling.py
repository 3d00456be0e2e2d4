"""The provider's final word about a request to pay: booked as a repayment, or ended."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.phone_numbers import mask_phone
from audit.services import record
from configuration.selectors import current
from disbursements.providers.base import Outcome
from loans.collection_settings import CollectionSettings
from loans.locks import lock_collection, lock_loan, lock_profile
from loans.models import CollectionRequest
from loans.services.collection_endings import call_for_set_up, error_fields, fail, raise_alarm, save, withdraw_alarm
from loans.services.collection_schedule import is_watched, last_poll
from loans.services.repayments import InvalidRepayment, LoanNotOwed, RepaymentConflict, record_repayment
from loans.statuses import CollectionAlarm, CollectionStatus, Rail, RepaymentChannel


def settle_paid(*, collection: CollectionRequest, outcome: Outcome, at: datetime) -> bool:
    """The provider says the customer has paid. True when that booked the repayment now.

    One transaction, locks in the order of lending: profile, loan, request. A repeat changes nothing. A report of
    another amount, currency or payer, or of a transaction that is booked for something else, books nothing and calls a
    person. One that had been given up is booked too: the customer's money is here.
    """
    with transaction.atomic(durable=True):
        lock_profile(collection.customer_id)
        lock_loan(collection.loan_id)
        collection = lock_collection(collection.pk)
        if collection.status == CollectionStatus.COMPLETED:
            if outcome.transaction_id != collection.provider_reference:
                detail = f"paid by {outcome.transaction_id}, booked as {collection.provider_reference}"
                raise_alarm(collection, CollectionAlarm.CONTRADICTION, detail=detail, at=at)
            return False
        difference = find_difference(collection, outcome)
        if not difference:
            difference = _book(collection, outcome, at=at)
        if difference:
            _keep_asking(collection, at=at)
            raise_alarm(collection, CollectionAlarm.MISMATCH, detail=difference, at=at)
            return False
    return True


def settle_refused(*, collection_id: UUID, outcome: Outcome, at: datetime) -> None:
    """The provider's status says FAILED: this request is over, and the customer may make a new one.

    About one that was booked it changes nothing and calls a person.
    """
    with transaction.atomic(durable=True):
        collection = lock_collection(collection_id)
        if collection.status == CollectionStatus.COMPLETED:
            detail = f"booked as {collection.provider_reference}, reported as failed: {outcome.code}"
            raise_alarm(collection, CollectionAlarm.CONTRADICTION, detail=detail, at=at)
            return
        learned = {"polls": collection.polls + 1, "asked_at": at, "http_status": outcome.http_status}
        withdraw_alarm(collection, reason="The provider reports it as failed", at=at)
        if collection.status in CollectionStatus.OPEN:
            save(collection, **learned)
            fail(collection, code=outcome.code, message=outcome.message, at=at)
            call_for_set_up(collection, outcome, at=at)
        else:
            save(collection, next_action_at=None, claimed_until=None, **learned)


def find_difference(collection: CollectionRequest, outcome: Outcome) -> str:
    """What the provider reports otherwise than we asked, in words; empty when all it said fits."""
    if not outcome.transaction_id:
        return "paid by a transaction without a number"
    if outcome.amount != collection.amount:
        return f"amount {outcome.amount} instead of {collection.amount}"
    if outcome.currency != collection.currency:
        return f"currency {outcome.currency or 'none'} instead of {collection.currency}"
    if outcome.payee != collection.phone:
        # Masked: this goes to the log.
        payer = mask_phone(outcome.payee) if outcome.payee else "none"
        return f"payer {payer} instead of {mask_phone(collection.phone)}"
    used = CollectionRequest.objects.filter(provider_reference=outcome.transaction_id).exclude(pk=collection.pk)
    return f"transaction {outcome.transaction_id}, which paid another request" if used.exists() else ""


def _book(collection: CollectionRequest, outcome: Outcome, *, at: datetime) -> str:
    """Book the repayment; in words why it could not be, then nothing of it is kept."""
    before = collection.status
    try:
        with transaction.atomic():
            repayment = record_repayment(
                loan_id=collection.loan_id,
                amount=collection.amount,
                currency=collection.currency,
                rail=Rail.MTN_MOMO,
                reference=outcome.transaction_id,
                channel=RepaymentChannel.REQUEST_TO_PAY,
                # The provider names no time. Customers approve within minutes of being asked, and must not lose points
                # because we heard of it late.
                received_at=min(collection.sent_at or at, at),
                at=at,
            ).repayment
    except (RepaymentConflict, InvalidRepayment, LoanNotOwed) as refusal:
        return str(refusal)
    withdraw_alarm(collection, reason="The provider reports it as paid", at=at)
    save(
        collection,
        status=CollectionStatus.COMPLETED,
        repayment=repayment,
        provider_reference=outcome.transaction_id,
        polls=collection.polls + 1,
        asked_at=at,
        http_status=outcome.http_status,
        finished_at=at,
        next_action_at=None,
        claimed_until=None,
        announced_at=None,
        **error_fields(),
    )
    record(
        "collection.paid",
        target=collection,
        before={"status": before},
        after={
            "status": collection.status,
            "loan": str(collection.loan_id),
            "repayment": str(repayment.pk),
            "provider_reference": collection.provider_reference,
        },
        at=at,
    )
    return ""


def _keep_asking(collection: CollectionRequest, *, at: datetime) -> None:
    chosen = current(CollectionSettings)
    goes_on = collection.status in CollectionStatus.OPEN or is_watched(chosen, collection, at=at)
    save(
        collection,
        polls=collection.polls + 1,
        asked_at=at,
        next_action_at=last_poll(chosen, at=at) if goes_on else None,
        claimed_until=None,
    )
