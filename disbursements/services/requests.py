"""Asking for a payout."""

import re
from datetime import datetime
from decimal import Decimal

from django.db import connection

from accounts.models import User
from audit.services import record
from disbursements.accounts import CurrencyNotPaid, InvalidDisbursement, account_paying
from disbursements.configuration import ProviderAccount
from disbursements.models import Disbursement
from disbursements.owners import owner_of
from disbursements.services.nudges import nudge_disbursement
from disbursements.services.reserves import reserve_money
from disbursements.statuses import DisbursementStatus
from ledger.inserts import insert_once
from ledger.models import Account
from ledger.money import format_amount, is_payable
from ledger.services import NotInTransaction

__all__ = [
    "AmountOutOfRange",
    "CurrencyNotPaid",
    "DisbursementConflict",
    "InvalidDisbursement",
    "must_wait_for_approval",
    "request_disbursement",
]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class DisbursementConflict(ValueError):
    """The key was used before for another payout."""

    code = "DISBURSEMENT_CONFLICT"


class AmountOutOfRange(ValueError):
    """The amount is below the smallest or above the largest payout allowed."""

    code = "AMOUNT_OUT_OF_RANGE"


def request_disbursement(
    *,
    purpose: str,
    payee: str,
    customer: User | None,
    amount: Decimal,
    currency: str,
    key: str,
    funded_from: Account,
    requested_by: User | None = None,
    at: datetime,
) -> Disbursement:
    """Promise money to `payee` (E.164), in the caller's transaction: a row to be worked on, the reserve in the ledger,
    one audit event; four INSERTs in all. The account that pays this currency pays it, within that account's
    limits. Above its approval threshold it waits for a second person, who may not be `requested_by`: the one who made
    the promise.

    The same key with the same content gives the first payout again and does nothing. Raises DisbursementConflict for
    the same key with other content, UnknownPurpose, InvalidDisbursement, CurrencyNotPaid, AmountOutOfRange,
    SettingsUnknown while nobody can say which limits are in force, and what the ledger refuses (InsufficientBalance
    when the funding account keeps a balance).
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("Open transaction.atomic() around the act that asks for the payout.")
    owner_of(purpose)
    account = account_paying(currency)
    waits = must_wait_for_approval(amount, account)
    disbursement = Disbursement(
        key=key,
        purpose=purpose,
        payee=payee,
        customer=customer,
        amount=amount,
        currency=currency,
        funded_from=funded_from,
        provider=account.provider,
        status=DisbursementStatus.AWAITING_APPROVAL if waits else DisbursementStatus.QUEUED,
        next_action_at=None if waits else at,
        requested_by=requested_by,
        requested_at=at,
        open_since=at,
    )
    _check(disbursement, account)
    if not insert_once(disbursement):
        return _first_request(disbursement)
    reserve_money(disbursement, at=at)
    record("disbursement.requested", target=disbursement, after=_summary(disbursement), at=at)
    if not waits:
        nudge_disbursement(disbursement.pk)
    return disbursement


def must_wait_for_approval(amount: Decimal, account: ProviderAccount) -> bool:
    """Whether a second person must let this amount go, by the threshold in force; 0 means never."""
    return 0 < account.approval_threshold < amount


def _check(disbursement: Disbursement, account: ProviderAccount) -> None:
    if not _E164.fullmatch(disbursement.payee):
        raise InvalidDisbursement("The payee is not a phone number in international form.")
    amount, currency = disbursement.amount, disbursement.currency
    if not is_payable(amount, currency) or amount <= 0:
        raise InvalidDisbursement(f"{amount} {currency} cannot be paid.")
    if disbursement.funded_from.currency != currency:
        raise InvalidDisbursement(f"Account {disbursement.funded_from.code} is not kept in {currency}.")
    if not account.min_amount <= amount <= account.max_amount:
        raise AmountOutOfRange(
            f"{format_amount(amount, currency)} is not between {account.min_amount:,} and {account.max_amount:,}."
        )


def _first_request(asked: Disbursement) -> Disbursement:
    first = Disbursement.objects.get(key=asked.key)
    if _content(first) != _content(asked):
        raise DisbursementConflict(f"Payout {asked.key!r} was requested before with other content.")
    return first


def _content(disbursement: Disbursement) -> tuple[object, ...]:
    return (
        disbursement.purpose,
        disbursement.payee,
        disbursement.customer_id,
        disbursement.amount,
        disbursement.currency,
        disbursement.funded_from_id,
    )


def _summary(disbursement: Disbursement) -> dict[str, object]:
    return {
        "status": disbursement.status,
        "key": disbursement.key,
        "purpose": disbursement.purpose,
        "payee": disbursement.payee,
        "amount": str(disbursement.amount),
        "currency": disbursement.currency,
    }
