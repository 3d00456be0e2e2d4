"""Postings: the only writer of postings, entries and balances."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection

from ledger.inserts import insert_once
from ledger.locks import lock_balances
from ledger.models import Account, Balance, Entry, Posting
from ledger.money import is_payable
from ledger.selectors import lines_of
from ledger.statuses import AccountKind

Line = tuple[Account, Decimal]

DEBIT_KINDS = frozenset({AccountKind.ASSET, AccountKind.EXPENSE})


class NotInTransaction(RuntimeError):
    """A posting belongs to the transaction of the act that causes it."""

    code = "NOT_IN_TRANSACTION"


class InvalidPosting(ValueError):
    """The lines do not add up to zero per currency, or cannot be paid in their currency."""

    code = "INVALID_POSTING"


class PostingConflict(ValueError):
    """The key was posted before with other content."""

    code = "POSTING_CONFLICT"


class AlreadyReversed(ValueError):
    """The posting was reversed before under another key."""

    code = "ALREADY_REVERSED"


class InsufficientBalance(Exception):
    """An account that keeps a balance would go below zero. `available` and `needed` are in its currency."""

    code = "INSUFFICIENT_BALANCE"

    def __init__(self, *, account: Account, available: Decimal, needed: Decimal) -> None:
        super().__init__(f"{account.code} has {available} {account.currency}, {needed} needed.")
        self.account = account
        self.available = available
        self.needed = needed


def post(
    *, key: str, description: str, entries: Sequence[Line], at: datetime, reverses: Posting | None = None
) -> Posting:
    """Move money: one posting with its lines (debits positive), inside the caller's transaction.

    Two INSERTs; accounts that keep a balance add a lock, a look and an UPDATE. The same key with the same lines
    gives the first posting again. Raises InvalidPosting, PostingConflict, AlreadyReversed, InsufficientBalance
    (nothing was written then) and NotInTransaction.
    """
    return post_once(key=key, description=description, entries=entries, at=at, reverses=reverses)[0]


def post_once(
    *, key: str, description: str, entries: Sequence[Line], at: datetime, reverses: Posting | None = None
) -> tuple[Posting, bool]:
    """`post`, which also says whether the posting is new: a caller that records the act must do so once."""
    if not connection.in_atomic_block:
        raise NotInTransaction("Open transaction.atomic() around the act that posts to the ledger.")
    _check_lines(entries)
    changes = _balance_changes(entries)
    if changes:
        balances = lock_balances(account.pk for account in changes)
        # Look again under the lock: a repeat must get its first answer, not a refusal for want of money.
        if first := Posting.objects.filter(key=key).first():
            return _same_posting(first, entries, reverses), False
        _check_balances(changes, balances)
    posting = Posting(key=key, description=description, posted_at=at, reverses=reverses)
    if not insert_once(posting):
        return _same_posting(_find_taken(key, reverses), entries, reverses), False
    Entry.objects.bulk_create(
        Entry(posting=posting, account=account, amount=amount, currency=account.currency) for account, amount in entries
    )
    for account, change in changes.items():
        balance = balances[account.pk]
        balance.amount += change
        balance.save(update_fields=["amount", "updated_at"])
    return posting, True


def reverse(*, posting_key: str, key: str, description: str, at: datetime) -> Posting:
    """Undo a posting by its mirror image, once. The same key gives the first reversal again.

    Raises Posting.DoesNotExist, AlreadyReversed when another key reversed it, and what `post` raises.
    """
    original = Posting.objects.get(key=posting_key)
    lines = [(entry.account, -entry.amount) for entry in original.entries.select_related("account").order_by("id")]
    return post(key=key, description=description, entries=lines, at=at, reverses=original)


def _check_lines(entries: Sequence[Line]) -> None:
    if len(entries) < 2:
        raise InvalidPosting("A posting has at least two lines.")
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for account, amount in entries:
        if amount == 0 or not is_payable(amount, account.currency):
            raise InvalidPosting(f"{amount} is not an amount of {account.currency}.")
        totals[account.currency] += amount
    for currency, total in totals.items():
        if total != 0:
            raise InvalidPosting(f"The lines in {currency} add up to {total}, not to zero.")


def _balance_changes(entries: Sequence[Line]) -> dict[Account, Decimal]:
    """Change of each kept balance, in account order. A liability's balance is the customer's money: credits add."""
    changes: dict[Account, Decimal] = defaultdict(Decimal)
    for account, amount in sorted(entries, key=lambda line: line[0].pk):
        if account.keeps_balance:
            changes[account] += amount if account.kind in DEBIT_KINDS else -amount
    return changes


def _check_balances(changes: dict[Account, Decimal], balances: dict[int, Balance]) -> None:
    for account, change in changes.items():
        available = balances[account.pk].amount
        if available + change < 0:
            raise InsufficientBalance(account=account, available=available, needed=-change)


def _find_taken(key: str, reverses: Posting | None) -> Posting:
    if first := Posting.objects.filter(key=key).first():
        return first
    raise AlreadyReversed(f"Posting {reverses} was reversed before under another key.")


def _same_posting(first: Posting, entries: Sequence[Line], reverses: Posting | None) -> Posting:
    lines = sorted((account.pk, amount) for account, amount in entries)
    if lines_of(first) != lines or first.reverses_id != (reverses.pk if reverses else None):
        raise PostingConflict(f"Posting {first.key!r} exists with other content.")
    return first
