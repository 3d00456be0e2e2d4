"""What the parts of the credit journey share: how this dialogue is named towards lending, and plain amounts."""

import hashlib
from decimal import Decimal

from ledger.money import format_amount
from ussd.turns import LONGEST_SESSION_ID
from ussd.visits import Visit


def dialogue_name(visit: Visit) -> str:
    """The gateway's session with the gateway's name, so that two gateways cannot clash; at most 128 characters."""
    name = f"{visit.session.gateway}:{visit.session.session_id}"
    if len(name) <= LONGEST_SESSION_ID:
        return name
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def plain_amount(amount: Decimal, currency: str) -> str:
    """Without the currency, where the screen has named it: `9,000`."""
    return format_amount(amount, currency).removeprefix(f"{currency} ")
