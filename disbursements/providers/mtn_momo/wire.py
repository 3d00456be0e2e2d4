"""A transfer as MTN reads it (mobile money notes A2, A4)."""

import json
import re
import unicodedata
from decimal import Decimal

from disbursements.providers.base import Transfer
from ledger.money import is_payable, quantize

NOTE_LENGTH = 160
# An apostrophe or another special character has produced 400.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 .,:/_-]+")


class UnsendableTransfer(ValueError):
    """This transfer cannot be written in MTN's terms: a mistake of ours, found before anything is sent."""

    code = "UNSENDABLE_TRANSFER"


def transfer_body(transfer: Transfer) -> bytes:
    """The JSON body. Raises UnsendableTransfer."""
    body = {
        "amount": amount_text(transfer.amount, transfer.currency),
        "currency": transfer.currency,
        "externalId": transfer.external_id,
        "payee": {"partyIdType": "MSISDN", "partyId": party_id(transfer.payee)},
        "payerMessage": plain_note(transfer.payer_message),
        "payeeNote": plain_note(transfer.payee_note),
    }
    return json.dumps(body).encode()


def amount_text(amount: Decimal, currency: str) -> str:
    """`500`, or `12.50` where the currency has minor units. Never rounds: raises UnsendableTransfer."""
    try:
        is_right = is_payable(amount, currency) and amount > 0
    except ValueError as error:
        raise UnsendableTransfer(str(error)) from None
    if not is_right:
        raise UnsendableTransfer(f"{amount} {currency} is not an amount that can be paid")
    exact = quantize(amount, currency)
    return str(int(exact)) if exact == exact.to_integral_value() else f"{exact:f}"


def party_id(payee: str) -> str:
    """The digits of an E.164 number. Raises UnsendableTransfer for anything else."""
    if not re.fullmatch(r"\+[1-9][0-9]{5,14}", payee, re.ASCII):
        raise UnsendableTransfer("the payee is not an E.164 number")
    return payee[1:]


def plain_note(text: str) -> str:
    """The text without accents and special characters, on one line, at most 160 long."""
    letters = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(_NOT_PLAIN.sub(" ", letters).split())[:NOTE_LENGTH].rstrip()
