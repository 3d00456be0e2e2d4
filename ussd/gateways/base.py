"""What every wire format does, and the reading of fields they share."""

import json
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.http import HttpResponse

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from ussd.selectors import KnownGateway
from ussd.turns import LONGEST_SERVICE_CODE, LONGEST_SESSION_ID, LONGEST_TEXT, BadTurn, Reply, Turn

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Incoming:
    """A request as it came. `started` is the monotonic clock when it did."""

    body: bytes
    content_type: str
    at: datetime
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Dialled:
    """What a handset does, to be written as the gateway would: every input so far, none at dial."""

    session_id: str
    phone: str
    service_code: str
    inputs: tuple[str, ...] = ()
    network_code: str = ""


class WireFormat(Protocol):
    """One provider's way to send turns and get answers. Stateless."""

    def read_turn(self, incoming: Incoming, gateway: KnownGateway) -> Turn:
        """The turn in a request. Raises BadTurn."""

    def write_reply(self, reply: Reply, *, session_id: str) -> HttpResponse:
        """Our answer, as the gateway wants it."""

    def write_refusal(self, *, code: str, message: str, status: int) -> HttpResponse:
        """Our answer to what is not a turn, or comes from somebody we do not know. `status` is for formats
        whose gateways look at it; a format that cannot say it keeps its own."""

    def write_request(self, dialled: Dialled) -> tuple[bytes, str]:
        """What the gateway would send us for this handset: body and content type."""

    def read_reply(self, body: bytes) -> Reply:
        """What the gateway would show of our answer. Raises ValueError for an answer it would not understand."""


def read_phone(raw: str, gateway: KnownGateway) -> str:
    """The caller's number as E.164. Raises BadTurn."""
    try:
        return parse_phone(raw, region=gateway.region, any_country=True)
    except InvalidPhoneNumber as error:
        raise BadTurn("phoneNumber is not a valid mobile number.") from error


def read_session_id(raw: str) -> str:
    """The gateway's name for the session. Raises BadTurn."""
    session_id = readable(raw).strip()
    if not session_id:
        raise BadTurn("sessionId is missing.")
    if len(session_id) > LONGEST_SESSION_ID:
        raise BadTurn(f"sessionId is longer than {LONGEST_SESSION_ID} characters.")
    return session_id


def read_service_code(raw: str) -> str:
    """What was dialled; empty when the gateway does not say. Raises BadTurn."""
    if len(raw) > LONGEST_SERVICE_CODE:
        raise BadTurn(f"serviceCode is longer than {LONGEST_SERVICE_CODE} characters.")
    return readable(raw).strip()


def read_text(raw: str, name: str) -> str:
    """What was typed. Raises BadTurn when it is too long to have been."""
    if len(raw) > LONGEST_TEXT:
        raise BadTurn(f"{name} is longer than {LONGEST_TEXT} characters.")
    return readable(raw)


def readable(text: str) -> str:
    """Without control characters and halves of characters, which no phone sends and no database keeps."""
    return "".join(" " if unicodedata.category(character) in {"Cc", "Cs"} else character for character in text)


def read_json(incoming: Incoming) -> Mapping[str, Any]:
    """The JSON object of a request. Raises BadTurn."""
    kind = incoming.content_type.partition(";")[0].strip().lower()
    if kind not in {JSON_TYPE, ""}:
        raise BadTurn(f"Send the body as {JSON_TYPE}.")
    try:
        found = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise BadTurn("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise BadTurn("The body is not a JSON object.")
    return found


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """A field of text; numbers are taken as written, null and absent as empty. Raises BadTurn for anything else."""
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadTurn(f"{name} must be text.")
    return str(value)
