"""Money put into our float at a provider."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from audit.context import acting
from audit.services import record
from ledger.models import Posting
from ledger.money import is_payable
from ledger.services.accounts import open_account, open_float_account
from ledger.services.postings import InvalidPosting, post_once
from ledger.statuses import AccountKind


def record_float_top_up(
    *, provider: str, amount: Decimal, currency: str, reference: str, by: User, at: datetime
) -> Posting:
    """Enter money that was put into our account at a provider, known by the bank's `reference`, once.

    The same reference with the same amount gives the first posting. Raises InvalidPosting for an amount that is not
    positive or not payable and for an empty reference, PostingConflict for a reference used with another amount,
    UnknownCurrency.
    """
    if not is_payable(amount, currency) or amount <= 0 or not reference.strip():
        raise InvalidPosting("A top-up has a positive amount and the bank's reference.")
    with acting(user_id=by.pk, label=by.get_username()), transaction.atomic():
        funding = open_account(
            code=f"funding:{currency}", kind=AccountKind.EQUITY, currency=currency, name=f"Money put in, {currency}"
        )
        posting, is_new = post_once(
            key=f"float-top-up:{provider}:{reference.strip()}",
            description=f"Float top-up at {provider}, reference {reference.strip()}",
            entries=[(open_float_account(provider=provider, currency=currency), amount), (funding, -amount)],
            at=at,
        )
        if is_new:
            record(
                "ledger.float.topped_up",
                target=posting,
                after={"provider": provider, "amount": str(amount), "currency": currency, "reference": reference},
                at=at,
            )
    return posting
