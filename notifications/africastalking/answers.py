"""What an answer to a sent message means for that message (Africa's Talking docs, "SMS – Sending – Bulk")."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """What to do about an answer."""

    ACCEPTED = "accepted"  # the provider has it
    RETRY = "retry"  # it may do better in a moment; whether it was sent may be unknown
    HOLD = "hold"  # the provider keeps it back for a while, without fault of ours
    OPERATOR = "operator"  # somebody must act (credit, key, sender id): the same for every message
    QUIET_HOURS = "quiet_hours"  # refused at this hour only
    PERMANENT = "permanent"  # this message will never be taken


@dataclass(frozen=True)
class SendResult:
    """What became of one call. `unknown`: the provider may have sent it although it did not say so; `out_of_reach`:
    no connection stood, so nothing was sent.
    """

    kind: Kind
    code: str = ""
    message: str = ""
    provider_message_id: str = ""
    unknown: bool = False
    out_of_reach: bool = False


# statusCode of a recipient -> its name and what to do.
STATUS_CODES: dict[int, tuple[str, Kind]] = {
    100: ("Processed", Kind.ACCEPTED),
    101: ("Sent", Kind.ACCEPTED),
    102: ("Queued", Kind.ACCEPTED),
    401: ("RiskHold", Kind.HOLD),
    402: ("InvalidSenderId", Kind.OPERATOR),
    403: ("InvalidPhoneNumber", Kind.PERMANENT),
    404: ("UnsupportedNumberType", Kind.PERMANENT),
    405: ("InsufficientBalance", Kind.OPERATOR),
    406: ("UserInBlacklist", Kind.PERMANENT),
    407: ("CouldNotRoute", Kind.PERMANENT),
    409: ("DoNotDisturbRejection", Kind.QUIET_HOURS),
    500: ("InternalServerError", Kind.RETRY),
    501: ("GatewayError", Kind.RETRY),
    502: ("RejectedByGateway", Kind.PERMANENT),
}
# Statuses of HTTP that say "not now" and not "wrong".
_HTTP_RETRY = {408, 425, 429}
_LONGEST_WORDS = 300


def read_answer(*, http_status: int, body: str) -> SendResult:
    """The result that an HTTP answer stands for. Never raises."""
    if http_status >= 500 or http_status in _HTTP_RETRY:
        # A server that failed may have passed the message on first.
        return SendResult(Kind.RETRY, f"HTTP_{http_status}", _words(body), unknown=http_status >= 500)
    if not 200 <= http_status < 300:
        # Wrong key (401, plain text), wrong address, missing field: settings are wrong, for every message alike.
        return SendResult(Kind.OPERATOR, f"HTTP_{http_status}", _words(body))
    try:
        data = json.loads(body)["SMSMessageData"]
        words, recipients = str(data.get("Message", "")), data["Recipients"]
        if not recipients:
            return _refused_whole(words)
        return _read_recipient(recipients[0], words)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return SendResult(Kind.RETRY, "UNREADABLE_ANSWER", _words(body), unknown=True)


def _refused_whole(words: str) -> SendResult:
    """201 without recipients is a refusal; the only one seen in the field is a wrong sender id."""
    if words.strip() == "InvalidSenderId":
        return SendResult(Kind.OPERATOR, "InvalidSenderId", "The sender id is not registered to this account")
    return SendResult(Kind.RETRY, "NO_RECIPIENTS", _words(words))


def _read_recipient(recipient: dict[str, Any], words: str) -> SendResult:
    code = int(recipient["statusCode"])
    name, kind = STATUS_CODES.get(code, (f"STATUS_{code}", Kind.RETRY))
    if kind is not Kind.ACCEPTED:
        return SendResult(kind, name, _words(str(recipient.get("status") or words)))
    message_id = str(recipient.get("messageId") or "")
    # A message without an id is on its way all the same; it only cannot be reported on.
    return SendResult(kind, provider_message_id="" if message_id == "None" else message_id[:100])


def _words(text: str) -> str:
    return " ".join(text.replace("\0", "").split())[:_LONGEST_WORDS]
