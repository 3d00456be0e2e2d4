"""The ledger's side of a payout: money is reserved when it is promised, and leaves the float when it is paid."""

from datetime import datetime

from disbursements.models import Disbursement
from ledger.services import open_float_account, open_in_flight_account, post, reverse


def reserve_key(disbursement: Disbursement) -> str:
    """Key of the reserve in force."""
    return f"disbursement:{disbursement.pk}:reserve:{disbursement.reserve_number}"


def reserve_money(disbursement: Disbursement, *, at: datetime) -> None:
    """What the funding account bears now stands in flight. Raises what `ledger.services.post` raises."""
    in_flight = open_in_flight_account(currency=disbursement.currency)
    post(
        key=reserve_key(disbursement),
        description=f"Reserve for payout {disbursement.key}"[:200],
        entries=[(disbursement.funded_from, disbursement.amount), (in_flight, -disbursement.amount)],
        at=at,
    )


def release_money(disbursement: Disbursement, *, at: datetime) -> None:
    """The funding account gets the reserve back, once."""
    key = reserve_key(disbursement)
    reverse(
        posting_key=key,
        key=f"{key}:release",
        description=f"Release of payout {disbursement.key}"[:200],
        at=at,
    )


def settle_money(disbursement: Disbursement, *, at: datetime) -> None:
    """What stood in flight has left our float at the provider, once."""
    in_flight = open_in_flight_account(currency=disbursement.currency)
    float_account = open_float_account(provider=disbursement.provider, currency=disbursement.currency)
    post(
        key=f"disbursement:{disbursement.pk}:settle",
        description=f"Payout {disbursement.key}"[:200],
        entries=[(in_flight, disbursement.amount), (float_account, -disbursement.amount)],
        at=at,
    )
