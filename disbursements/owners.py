"""Who is told what became of a payout: one owner per purpose, in the same transaction (house style, rule 4)."""

from datetime import datetime
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured

from disbursements.models import Disbursement


class DisbursementOwner(Protocol):
    """The product that asked for the money.

    Every method runs inside the transaction that moves the payout, after its row is locked and moved and before the
    ledger is written; it locks the owner's own row and changes it. What it raises rolls everything back.
    """

    purpose: str

    def on_paid(self, disbursement: Disbursement, at: datetime) -> None:
        """The money has arrived; also when it had been given up before."""

    def on_failed(self, disbursement: Disbursement, at: datetime) -> None:
        """Given up for good, until a person retries."""

    def on_retried(self, disbursement: Disbursement, at: datetime) -> None:
        """A person set a failed payout going again."""

    def on_cancelled(self, disbursement: Disbursement, at: datetime) -> None:
        """A person called it off before anything was sent."""


class UnknownPurpose(LookupError):
    """No product owns payouts of this purpose."""

    code = "UNKNOWN_PURPOSE"


_owners: dict[str, DisbursementOwner] = {}


def register_owner(owner: DisbursementOwner) -> None:
    """Called from the product's `AppConfig.ready`. Raises ImproperlyConfigured when the purpose has another owner."""
    if type(_owners.get(owner.purpose, owner)) is not type(owner):
        raise ImproperlyConfigured(f"Purpose {owner.purpose!r} has an owner already: {_owners[owner.purpose]!r}.")
    _owners[owner.purpose] = owner


def owner_of(purpose: str) -> DisbursementOwner:
    """Raises UnknownPurpose."""
    try:
        return _owners[purpose]
    except KeyError:
        raise UnknownPurpose(f"No product owns payouts of purpose {purpose!r}.") from None


def registered_purposes() -> list[str]:
    """Every purpose that has an owner."""
    return sorted(_owners)
