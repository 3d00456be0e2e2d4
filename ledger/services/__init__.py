"""Every write of the ledger: accounts, postings, reversals, top-ups."""

from ledger.services.accounts import AccountMismatch, open_account, open_float_account, open_in_flight_account
from ledger.services.float_top_ups import record_float_top_up
from ledger.services.postings import (
    AlreadyReversed,
    InsufficientBalance,
    InvalidPosting,
    NotInTransaction,
    PostingConflict,
    post,
    post_once,
    reverse,
)

__all__ = [
    "AccountMismatch",
    "AlreadyReversed",
    "InsufficientBalance",
    "InvalidPosting",
    "NotInTransaction",
    "PostingConflict",
    "open_account",
    "open_float_account",
    "open_in_flight_account",
    "post",
    "post_once",
    "record_float_top_up",
    "reverse",
]
