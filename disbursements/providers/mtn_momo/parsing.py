"""MTN's answers in our words (mobile money notes A4-A7). Nothing here raises for what an answer may hold."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from disbursements.providers.base import Answer, Outcome
from disbursements.providers.mtn_momo.errors import (
    ALREADY_SUBMITTED,
    REFUSED_AT_DOOR,
    UNKNOWN_REFERENCE,
    class_of,
)
from disbursements.statuses import ErrorClass
from outbound.exchange import Reply

# Widths of the columns these end up in.
CODE_LENGTH = 80
MESSAGE_LENGTH = 300
TRANSACTION_ID_LENGTH = 100
MAX_AMOUNT = Decimal(10) ** 14
# What a status may say; whatever else it says is not kept.
STATUS_FIELDS = (
    "amount",
    "currency",
    "financialTransactionId",
    "externalId",
    "payerMessage",
    "payeeNote",
    "status",
)
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


def outcome_of_send(reply: Reply) -> Outcome:
    """What a transfer request came to (A4)."""
    if reply.status == 202:
        return Outcome(Answer.ACCEPTED, http_status=202)
    code, message = error_of(reply)
    answer, error_class = _door_answer(reply.status, code)
    return Outcome(answer, error_class, code, message, reply.status)


def _door_answer(status: int, code: str) -> tuple[Answer, ErrorClass | None]:
    if status == 409 or code == ALREADY_SUBMITTED:
        return Answer.ACCEPTED, None
    if status == 429:
        return Answer.NOT_ASKED, ErrorClass.TEMPORARY
    if status == 401:
        return Answer.NOT_ASKED, ErrorClass.CONFIGURATION
    if status >= 400 and code in REFUSED_AT_DOOR:
        return Answer.TURNED_AWAY, class_of(code)
    if 400 <= status < 500 and class_of(code) == ErrorClass.PERMANENT:
        return Answer.TURNED_AWAY, ErrorClass.PERMANENT
    if status == 400:
        return Answer.TURNED_AWAY, ErrorClass.CONFIGURATION
    if 400 < status < 500 and status != 408:
        return Answer.BLOCKED, ErrorClass.CONFIGURATION
    return Answer.UNKNOWN, _class_of_unclear(status)


def outcome_of_status(reply: Reply) -> Outcome:
    """What became of a reference (A5). A failed transfer is also a 200; 404 counts only with MTN's own code."""
    document = read_document(reply.body)
    status = plain(document.get("status"), CODE_LENGTH).upper() if document else ""
    if reply.status == 200 and document and status:
        return _outcome_of_document(document, status)
    code, message = error_of(reply)
    if reply.status == 404 and code == UNKNOWN_REFERENCE:
        answer, error_class = Answer.NOT_FOUND, None
    elif reply.status == 429:
        answer, error_class = Answer.NOT_ASKED, ErrorClass.TEMPORARY
    elif 400 <= reply.status < 500 and reply.status != 408:
        answer, error_class = Answer.NOT_ASKED, ErrorClass.CONFIGURATION
    else:
        answer, error_class = Answer.UNKNOWN, _class_of_unclear(reply.status)
    return Outcome(answer, error_class, code, message, reply.status)


def _class_of_unclear(status: int) -> ErrorClass:
    """A redirect, or a success that is none of MTN's: something stands between us."""
    return ErrorClass.CONFIGURATION if 200 <= status < 400 else ErrorClass.TEMPORARY


def _outcome_of_document(document: dict[str, Any], status: str) -> Outcome:
    code, message = "", ""
    error_class = None
    if status == "FAILED":
        code, message = _reason_of(document)
        answer, error_class = Answer.REFUSED, class_of(code)
    elif status == "SUCCESSFUL":
        answer = Answer.PAID
    else:
        # Any other word is not known to be final.
        answer, code = Answer.PENDING, "" if status == "PENDING" else status
    payee = document.get("payee")
    raw = {name: plain(document[name], MESSAGE_LENGTH) for name in STATUS_FIELDS if name in document}
    return Outcome(
        answer,
        error_class,
        code,
        message,
        http_status=200,
        transaction_id=plain(document.get("financialTransactionId"), TRANSACTION_ID_LENGTH),
        amount=read_amount(document.get("amount")),
        currency=plain(document.get("currency"), 10),
        payee=_payee_of(payee) if isinstance(payee, dict) else "",
        raw={**raw, "reason": code} if status == "FAILED" else dict(raw),
    )


def _reason_of(document: dict[str, Any]) -> tuple[str, str]:
    """The reason of a failure: mostly a plain string, in the schema an object."""
    reason = document.get("reason")
    if isinstance(reason, dict):
        return plain(reason.get("code"), CODE_LENGTH) or "FAILED", plain(reason.get("message"), MESSAGE_LENGTH)
    return plain(reason, CODE_LENGTH) or "FAILED", ""


def _payee_of(payee: dict[str, Any]) -> str:
    digits = plain(payee.get("partyId"), 40).removeprefix("+")
    is_phone = plain(payee.get("partyIdType"), 20).upper() == "MSISDN"
    return f"+{digits}" if is_phone and _MSISDN.fullmatch(digits) else ""


def read_amount(value: Any) -> Decimal | None:
    """An amount as text or number; None when there is none or it is absurd."""
    try:
        amount = Decimal(plain(value, 40))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < MAX_AMOUNT else None
