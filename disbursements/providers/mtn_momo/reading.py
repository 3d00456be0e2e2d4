"""Reading MTN's answers, whatever the product (mobile money notes A3-A7). Nothing here raises for what one may hold."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from outbound.exchange import Reply

# Widths of the columns these end up in.
CODE_LENGTH = 80
MESSAGE_LENGTH = 300
MAX_AMOUNT = Decimal(10) ** 14
_TAG = re.compile(r"<[^<>]*>")
_MSISDN = re.compile(r"[0-9]{6,15}", re.ASCII)


def read_document(body: bytes | None) -> dict[str, Any] | None:
    """The JSON object in a body; None for anything else, such as a page of a firewall. Decimals stay text, exact."""
    try:
        document = json.loads(body or b"", parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def plain(value: Any, length: int) -> str:
    """A text or number of an answer as one printable line; empty for lists, objects, booleans and nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        return ""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:length]


def error_of(reply: Reply) -> tuple[str, str]:
    """Code and message of an error, in any of the shapes seen. The code is `HTTP_<status>` when there is none."""
    document = read_document(reply.body)
    if document is None:
        page = (reply.body or b"").decode("utf-8", "replace")
        return f"HTTP_{reply.status}", plain(_TAG.sub(" ", page), MESSAGE_LENGTH)
    code = plain(document.get("code"), CODE_LENGTH) or plain(document.get("error"), CODE_LENGTH)
    return code or f"HTTP_{reply.status}", plain(document.get("message"), MESSAGE_LENGTH)


def reason_of(document: dict[str, Any]) -> tuple[str, str]:
    """The reason of a failure: mostly a plain string, in the schema an object."""
    reason = document.get("reason")
    if isinstance(reason, dict):
        return plain(reason.get("code"), CODE_LENGTH) or "FAILED", plain(reason.get("message"), MESSAGE_LENGTH)
    return plain(reason, CODE_LENGTH) or "FAILED", ""


def read_party(party: Any) -> str:
    """The phone number (E.164) of a `payee` or `payer`; empty when there is none or it is something else."""
    if not isinstance(party, dict):
        return ""
    digits = plain(party.get("partyId"), 40).removeprefix("+")
    is_phone = plain(party.get("partyIdType"), 20).upper() == "MSISDN"
    return f"+{digits}" if is_phone and _MSISDN.fullmatch(digits) else ""


def read_amount(value: Any) -> Decimal | None:
    """An amount as text or number; None when there is none or it is absurd."""
    try:
        amount = Decimal(plain(value, 40))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < MAX_AMOUNT else None
