"""What MTN's words mean when a customer is asked to pay (mobile money notes A4, A6): the payer is the customer."""

from disbursements.providers.mtn_momo.errors import Words
from disbursements.statuses import ErrorClass

CLASS_BY_CODE = {
    # The customer: another try by itself would fare no better, the customer may ask anew.
    "PAYER_NOT_FOUND": ErrorClass.PERMANENT,
    "PAYER_LIMIT_REACHED": ErrorClass.PERMANENT,
    "NOT_ENOUGH_FUNDS": ErrorClass.PERMANENT,
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED": ErrorClass.PERMANENT,
    "SENDER_ACCOUNT_NOT_ACTIVE": ErrorClass.PERMANENT,
    "APPROVAL_REJECTED": ErrorClass.PERMANENT,
    "PAYMENT_NOT_APPROVED": ErrorClass.PERMANENT,
    "TRANSACTION_CANCELED": ErrorClass.PERMANENT,
    "EXPIRED": ErrorClass.PERMANENT,
    # Our account, our set-up.
    "PAYEE_NOT_FOUND": ErrorClass.CONFIGURATION,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": ErrorClass.CONFIGURATION,
    "NOT_ALLOWED": ErrorClass.CONFIGURATION,
    "NOT_ALLOWED_TARGET_ENVIRONMENT": ErrorClass.CONFIGURATION,
    "INVALID_CALLBACK_URL_HOST": ErrorClass.CONFIGURATION,
    "INVALID_CURRENCY": ErrorClass.CONFIGURATION,
    "TRANSFER_TYPE_UNKNOWN": ErrorClass.CONFIGURATION,
}

# Codes that refuse at the door even with a 5xx. Any other code of a 5xx leaves the outcome unknown.
REFUSED_AT_DOOR = frozenset(
    {
        "NOT_ALLOWED",
        "NOT_ALLOWED_TARGET_ENVIRONMENT",
        "INVALID_CALLBACK_URL_HOST",
        "INVALID_CURRENCY",
        "NOT_ENOUGH_FUNDS",
        "PAYER_LIMIT_REACHED",
        "PAYER_NOT_FOUND",
        "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    }
)


def class_of(code: str) -> ErrorClass:
    """The class of a failure. A word nobody has seen yet may pass."""
    return CLASS_BY_CODE.get(code, ErrorClass.TEMPORARY)


COLLECTION_WORDS = Words(party="payer", class_of=class_of, refused_at_door=REFUSED_AT_DOOR)

# What the customer hears of a failure depends on these.
NOT_APPROVED = frozenset({"APPROVAL_REJECTED", "PAYMENT_NOT_APPROVED", "TRANSACTION_CANCELED", "EXPIRED"})
SHORT_OF_MONEY = frozenset({"NOT_ENOUGH_FUNDS", "PAYER_LIMIT_REACHED"})
