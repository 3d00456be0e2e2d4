"""MTN's answers in our words (mobile money notes A4-A7). Nothing here raises for what an answer may hold."""

from typing import Any

from disbursements.providers.base import Answer, Outcome
from disbursements.providers.mtn_momo.errors import ALREADY_SUBMITTED, PAYOUT_WORDS, UNKNOWN_REFERENCE, Words
from disbursements.providers.mtn_momo.reading import (
    CODE_LENGTH,
    MESSAGE_LENGTH,
    error_of,
    plain,
    read_amount,
    read_document,
    read_party,
    reason_of,
)
from disbursements.statuses import ErrorClass
from outbound.exchange import Reply

# Width of the column it ends up in.
TRANSACTION_ID_LENGTH = 100
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


def outcome_of_send(reply: Reply, *, words: Words = PAYOUT_WORDS) -> Outcome:
    """What a request to move money came to (A4)."""
    if reply.status == 202:
        return Outcome(Answer.ACCEPTED, http_status=202)
    code, message = error_of(reply)
    answer, error_class = _door_answer(reply.status, code, words)
    return Outcome(answer, error_class, code, message, reply.status)


def _door_answer(status: int, code: str, words: Words) -> tuple[Answer, ErrorClass | None]:
    if status == 409 or code == ALREADY_SUBMITTED:
        return Answer.ACCEPTED, None
    if status == 429:
        return Answer.NOT_ASKED, ErrorClass.TEMPORARY
    if status == 401:
        return Answer.NOT_ASKED, ErrorClass.CONFIGURATION
    if status >= 400 and code in words.refused_at_door:
        return Answer.TURNED_AWAY, words.class_of(code)
    if 400 <= status < 500 and words.class_of(code) == ErrorClass.PERMANENT:
        return Answer.TURNED_AWAY, ErrorClass.PERMANENT
    if status == 400:
        return Answer.TURNED_AWAY, ErrorClass.CONFIGURATION
    if 400 < status < 500 and status != 408:
        return Answer.BLOCKED, ErrorClass.CONFIGURATION
    return Answer.UNKNOWN, _class_of_unclear(status)


def outcome_of_status(reply: Reply, *, words: Words = PAYOUT_WORDS) -> Outcome:
    """What became of a reference (A5). A failed transfer is also a 200; 404 counts only with MTN's own code."""
    document = read_document(reply.body)
    status = plain(document.get("status"), CODE_LENGTH).upper() if document else ""
    if reply.status == 200 and document and status:
        return _outcome_of_document(document, status, words)
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


def _outcome_of_document(document: dict[str, Any], status: str, words: Words) -> Outcome:
    code, message = "", ""
    error_class = None
    if status == "FAILED":
        code, message = reason_of(document)
        answer, error_class = Answer.REFUSED, words.class_of(code)
    elif status == "SUCCESSFUL":
        answer = Answer.PAID
    else:
        # Any other word is not known to be final.
        answer, code = Answer.PENDING, "" if status == "PENDING" else status
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
        payee=read_party(document.get(words.party)),
        raw={**raw, "reason": code} if status == "FAILED" else dict(raw),
    )
