"""Reads the two callbacks' requests: JSON or form, believed only after a look at every field we use."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict
from django.http.request import UnreadablePostError

from accounts.networks import NETWORK_CODES, network_of
from accounts.phone_numbers import InvalidPhoneNumber, parse_phone

LONGEST_SESSION_ID = 128
LONGEST_NETWORK = 40
# Every field the two specs name. None of them is ever a list or an object.
KNOWN_FIELDS = (
    "msisdn",
    "sessionId",
    "serviceCode",
    "text",
    "network",
    "channel",
    "responseType",
    "selectedOption",
    "selectedAmount",
)
# ASCII digits only: `int()` would read those of every script.
_OPTION = re.compile(r"[1-9][0-9]{0,2}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
# An option or amount that was sent and is none: no offer has it.
NO_OPTION, NO_AMOUNT = 0, Decimal(-1)


class BadRequest(ValueError):
    """The request cannot be understood; the message says why."""

    code = "INVALID_REQUEST"


@dataclass(frozen=True)
class Asked:
    """Who asks: phone in E.164, the gateway's name for the session (may be empty), and the network."""

    phone: str
    session_id: str
    network: str


@dataclass(frozen=True)
class Selected:
    """What was selected. Exactly one of the two counts: an option wins over an amount."""

    option: int | None
    amount: Decimal | None


def read_fields(request: HttpRequest) -> Mapping[str, Any]:
    """The fields of the body. Raises BadRequest."""
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise BadRequest("The body is too large.") from error
    except UnreadablePostError as error:
        raise BadRequest("The body ended early.") from error
    kind = (request.content_type or "").strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _read_form(body)
    if kind in {"application/json", ""}:
        return _read_json(body)
    raise BadRequest("Send the body as application/json or application/x-www-form-urlencoded.")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raises BadRequest for a field that holds another shape than one value, or letters that are none."""
    for name in KNOWN_FIELDS:
        value = fields.get(name)
        if isinstance(value, list | dict):
            raise BadRequest(f"{name} must not be a list or an object.")
        if isinstance(value, str) and any(letter == "\0" or unicodedata.category(letter) == "Cs" for letter in value):
            raise BadRequest(f"{name} holds characters that are none.")


def wants_json(fields: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Whether `responseType`, in the body or else in the query, is `json`. Whatever else it is means text (spec 2)."""
    wanted = fields.get("responseType") or query.get("responseType") or ""
    return str(wanted).strip().lower() == "json"


def read_asked(fields: Mapping[str, Any], *, region: str) -> Asked:
    """Who asks. Raises BadRequest when the number is missing or none, or the session's name too long."""
    raw = _text(fields, "msisdn")
    if not raw.strip():
        raise BadRequest("msisdn is required.")
    try:
        phone = parse_phone(raw, region=region, any_country=True)
    except InvalidPhoneNumber as error:
        raise BadRequest("msisdn is not a valid mobile number.") from error
    session_id = _text(fields, "sessionId").strip()
    if len(session_id) > LONGEST_SESSION_ID:
        raise BadRequest(f"sessionId is longer than {LONGEST_SESSION_ID} characters.")
    return Asked(phone=phone, session_id=session_id, network=_network(_text(fields, "network"), phone))


def read_selected(fields: Mapping[str, Any]) -> Selected:
    """What was selected; what is no option or amount is read as one that nobody offers. Raises BadRequest for none."""
    option, amount = fields.get("selectedOption"), fields.get("selectedAmount")
    if not _is_empty(option):
        return Selected(_read_option(option), None)
    if not _is_empty(amount):
        return Selected(None, _read_amount(amount))
    raise BadRequest("selectedOption or selectedAmount is required.")


def _read_json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise BadRequest("The body is not a JSON object.")
    return found


def _read_form(body: bytes) -> Mapping[str, Any]:
    try:
        return QueryDict(body, encoding="utf-8").dict()
    except (TooManyFieldsSent, ValueError) as error:
        raise BadRequest("The body is not a form.") from error


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and value < 0):
        raise BadRequest(f"{name} must be text.")
    text = str(value)
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def _network(given: str, phone: str) -> str:
    """A known code by its network's name, another name as it was given; without any, by the number."""
    given = given.strip()[:LONGEST_NETWORK]
    return NETWORK_CODES.get(given, given) or network_of(phone)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read_option(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return NO_OPTION
    text = str(value).strip(" ") if isinstance(value, str) else f"{value:d}"
    return int(text) if _OPTION.fullmatch(text) else NO_OPTION


def _read_amount(value: Any) -> Decimal:
    if isinstance(value, bool):
        return NO_AMOUNT
    if isinstance(value, float):
        # Some middle servers write every number with a point.
        return Decimal(str(value)) if value.is_integer() and abs(value) < 1e12 else NO_AMOUNT
    text = str(value).strip(" ") if isinstance(value, str) else f"{value:d}"
    return Decimal(text) if _AMOUNT.fullmatch(text) else NO_AMOUNT
