"""What MTN's words mean for what happens next (mobile money notes A4, A6)."""

from collections.abc import Callable
from dataclasses import dataclass

from disbursements.statuses import ErrorClass

ALREADY_SUBMITTED = "RESOURCE_ALREADY_EXIST"
UNKNOWN_REFERENCE = "RESOURCE_NOT_FOUND"

# Every word MTN publishes or was seen to use. In a payout the payer is us.
CLASS_BY_CODE = {
    # The payee.
    "PAYEE_NOT_FOUND": ErrorClass.PERMANENT,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": ErrorClass.PERMANENT,
    "APPROVAL_REJECTED": ErrorClass.PERMANENT,
    "PAYMENT_NOT_APPROVED": ErrorClass.PERMANENT,
    "TRANSACTION_CANCELED": ErrorClass.PERMANENT,
    # Our float, or the payee's own limit under the same word: the balance tells which.
    "NOT_ENOUGH_FUNDS": ErrorClass.FLOAT,
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": ErrorClass.FLOAT,
    # Our account, our set-up.
    "PAYER_NOT_FOUND": ErrorClass.CONFIGURATION,
    "SENDER_ACCOUNT_NOT_ACTIVE": ErrorClass.CONFIGURATION,
    "NOT_ALLOWED": ErrorClass.CONFIGURATION,
    "NOT_ALLOWED_TARGET_ENVIRONMENT": ErrorClass.CONFIGURATION,
    "INVALID_CALLBACK_URL_HOST": ErrorClass.CONFIGURATION,
    "INVALID_CURRENCY": ErrorClass.CONFIGURATION,
    "TRANSFER_TYPE_UNKNOWN": ErrorClass.CONFIGURATION,
    # What may pass. PAYER_LIMIT_REACHED: our own limit for a day or a month.
    "PAYER_LIMIT_REACHED": ErrorClass.TEMPORARY,
    "SERVICE_UNAVAILABLE": ErrorClass.TEMPORARY,
    "INTERNAL_PROCESSING_ERROR": ErrorClass.TEMPORARY,
    "COULD_NOT_PERFORM_TRANSACTION": ErrorClass.TEMPORARY,
    "EXPIRED": ErrorClass.TEMPORARY,
    "ONGOING": ErrorClass.TEMPORARY,
    "PAYER_DELAYED": ErrorClass.TEMPORARY,
    "PAYEE_DELAYED": ErrorClass.TEMPORARY,
    ALREADY_SUBMITTED: ErrorClass.TEMPORARY,
    UNKNOWN_REFERENCE: ErrorClass.TEMPORARY,
}

# Codes that refuse a transfer at the door even with a 5xx: permanent errors of set-up, and what older
# documents list there. Any other code of a 5xx leaves the outcome unknown.
REFUSED_AT_DOOR = frozenset(
    {
        "NOT_ALLOWED",
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
        "INVALID_CALLBACK_URL_HOST",
        "INVALID_CURRENCY",
        "NOT_ENOUGH_FUNDS",
        "PAYER_LIMIT_REACHED",
        "PAYEE_NOT_FOUND",
    }
)


def class_of(code: str) -> ErrorClass:
    """The class of a failure. A word nobody has seen yet may pass: it failed for certain, so a new try is safe."""
    return CLASS_BY_CODE.get(code, ErrorClass.TEMPORARY)


@dataclass(frozen=True)
class Words:
    """What MTN's words mean in one product. In a payout the payer is us, in a collection it is the customer: the same
    word may be our trouble in one and the customer's in the other.
    """

    # The other side of the transaction, as a status names it: `payee` or `payer`.
    party: str
    class_of: Callable[[str], ErrorClass]
    refused_at_door: frozenset[str]


PAYOUT_WORDS = Words(party="payee", class_of=class_of, refused_at_door=REFUSED_AT_DOOR)
