"""Offers: what a customer may borrow now (spec 2, `/ussd/loan-offer`). No loan is made.

One SQL statement and one round trip to Redis, which takes both the session and the record of the offer.
"""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import redis
import structlog
from django.db import Error
from django_redis import get_redis_connection

from configuration.selectors import SettingsUnknown
from disbursements.accounts import CurrencyNotPaid, account_paying
from loans.borrowers import Borrower, find_borrower, is_served
from loans.configuration import LoanSettings
from loans.eligibility import Eligibility, OfferTerms, decide_eligibility, make_bands
from loans.offer_log import OfferRecord, put_record
from loans.services.credit import facts_of
from loans.services.offer_records import store_offer_now
from loans.sessions import OfferSession, put_session, session_key
from loans.settings_in_force import LendingSettings, lending_settings
from loans.statuses import Refusal

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class OfferResult:
    """The offers, or why there are none. Amounts are in `currency`; `instance` is our own name for the session."""

    refusal: Refusal | None = None
    session_id: str = ""
    instance: str = ""
    customer_id: UUID | None = None
    phone: str = ""
    network: str = ""
    currency: str = ""
    eligible_amount: Decimal = Decimal(0)
    terms: tuple[OfferTerms, ...] = ()
    explanation: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What the rules say about a customer now."""

    refusal: Refusal | None
    eligibility: Eligibility
    terms: tuple[OfferTerms, ...]
    score: int


def make_offers(*, phone: str, session_id: str, network: str, partner: str, at: datetime) -> OfferResult:
    """What the customer with this number (E.164) may borrow now, remembered for `approve_offer` in place of what they
    were offered before. An empty `session_id` is made up.

    Never refuses by raising; raises database errors when it cannot tell who asks.
    """
    asked = OfferResult(session_id=session_id or str(uuid.uuid4()), phone=phone, network=network)
    try:
        settings = lending_settings()
        borrower = find_borrower(phone)
        if borrower is None:
            return replace(asked, refusal=Refusal.USER_NOT_FOUND)
        decision = decide_offers(borrower, phone=phone, settings=settings, at=at)
    except (SettingsUnknown, CurrencyNotPaid) as error:
        logger.warning("loan_offer_not_made", error=str(error))
        return replace(asked, refusal=Refusal.SERVICE_UNAVAILABLE)
    result = replace(
        asked,
        refusal=decision.refusal,
        instance=str(uuid.uuid4()),
        customer_id=borrower.customer.pk,
        currency=settings.loans.currency,
        eligible_amount=decision.eligibility.amount,
        terms=decision.terms,
        explanation=decision.eligibility.explanation,
    )
    _remember(result, score=decision.score, partner=partner, rules=settings.loans, at=at)
    return result


def decide_offers(borrower: Borrower, *, phone: str, settings: LendingSettings, at: datetime) -> Decision:
    """The offers by the rules in force, or why there are none. Who is not served may borrow nothing."""
    facts = facts_of(borrower.profile, settings.credit)
    eligibility = decide_eligibility(facts, settings.credit, settings.loans, versions=settings.versions)
    if not is_served(borrower.customer, phone, settings.loans) or eligibility.amount <= 0:
        return Decision(Refusal.NO_ELIGIBLE_AMOUNT, eligibility, (), facts.score)
    bands = make_bands(eligibility, currency=settings.loans.currency, today=settings.local_day(at))
    terms = _payable(bands, currency=settings.loans.currency)
    return Decision(None if terms else Refusal.NO_OFFERS, eligibility, terms, facts.score)


def _payable(bands: tuple[OfferTerms, ...], *, currency: str) -> tuple[OfferTerms, ...]:
    """Those whose payout lies within the limits of payouts, numbered anew: nobody is offered what cannot be sent."""
    account = account_paying(currency)
    fitting = (band for band in bands if account.min_amount <= band.disbursed_amount <= account.max_amount)
    return tuple(replace(band, option=option) for option, band in enumerate(fitting, start=1))


def _remember(result: OfferResult, *, score: int, partner: str, rules: LoanSettings, at: datetime) -> None:
    """Session and record, in one round trip. Without Redis there is no session, and the record is stored at once."""
    assert result.customer_id is not None
    record = OfferRecord(
        uid=uuid.uuid4(),
        at=at,
        customer_id=result.customer_id,
        phone=result.phone,
        network=result.network,
        partner=partner,
        session_id=result.session_id,
        score=score,
        eligible_amount=result.eligible_amount,
        currency=result.currency,
        terms=result.terms,
        refusal=result.refusal or "",
        explanation=result.explanation,
    )
    pipe = get_redis_connection("sessions").pipeline(transaction=False)
    if result.refusal:
        # What was offered before no longer holds.
        pipe.delete(session_key(result.phone))
    else:
        put_session(pipe, _session(result, offer=record.uid), seconds=rules.session_seconds)
    put_record(pipe, record)
    try:
        pipe.execute()
    except (redis.RedisError, OSError) as error:
        logger.warning("loan_session_store_away", error=str(error))
        _store_now(record)


def _session(result: OfferResult, *, offer: UUID) -> OfferSession:
    assert result.customer_id is not None
    return OfferSession(
        instance=result.instance,
        session_id=result.session_id,
        customer_id=result.customer_id,
        phone=result.phone,
        currency=result.currency,
        eligible_amount=result.eligible_amount,
        terms=result.terms,
        explanation=result.explanation,
        offer=offer,
    )


def _store_now(record: OfferRecord) -> None:
    try:
        store_offer_now(record)
    except Error as error:
        # The customer still gets the offer; it can be approved without its record.
        logger.error("loan_offer_not_recorded", error=str(error))
