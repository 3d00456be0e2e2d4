"""A transfer as it is asked for: headers and body, refused where MTN refuses (notes A2, A4)."""

import re
import uuid
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from sandbox.amounts import InvalidAmount, parse_amount
from sandbox.bodies import read_body
from sandbox.controls import explain
from sandbox.momo.access import Caller
from sandbox.momo.answers import bad_request, error
from sandbox.momo.environments import SANDBOX

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost"})
# MTN names no alphabet; an apostrophe and "other special characters" gave 400 in the field.
PLAIN_TEXT = r"^[A-Za-z0-9 .,:/_-]*$"
MSISDN = re.compile(r"[0-9]{6,15}", re.ASCII)


class Party(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)

    partyIdType: Literal["MSISDN", "EMAIL", "PARTY_CODE"]
    partyId: str = Field(min_length=1, max_length=100)


class TransferBody(BaseModel):
    """MTN's names, as sent. Unknown fields are ignored, as MTN does."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)

    amount: str
    currency: str = Field(min_length=1)
    externalId: str = Field(min_length=1, max_length=100)
    payee: Party
    payerMessage: str | None = Field(default=None, max_length=160, pattern=PLAIN_TEXT)
    payeeNote: str | None = Field(default=None, max_length=160, pattern=PLAIN_TEXT)


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    caller: Caller
    reference_id: str
    hundredths: int
    callback_url: str | None
    body: TransferBody


async def read_transfer_request(request: Request, caller: Caller) -> TransferRequest:
    """The transfer asked for. Refuses with 400 what is malformed, with MTN's 500 codes what the
    merchant may not do (currency, callback host)."""
    reference_id = read_reference_id(request)
    require_json(request)
    try:
        body = TransferBody.model_validate_json(await read_body(request))
    except ValidationError as invalid:
        raise bad_request(explain(invalid)) from None
    callback_url = read_callback_url(request, caller)
    if body.payee.partyIdType == "MSISDN" and not MSISDN.fullmatch(body.payee.partyId):
        raise bad_request("payee.partyId: digits with country code, no plus sign")
    if body.currency != caller.environment.currency:
        raise error(500, "INVALID_CURRENCY")
    try:
        hundredths = parse_amount(body.amount, minor_units=caller.environment.minor_units)
    except InvalidAmount as invalid_amount:
        raise bad_request(f"amount: {invalid_amount}") from None
    if hundredths == 0:
        raise bad_request("amount: must be above zero")
    return TransferRequest(
        caller=caller,
        reference_id=reference_id,
        hundredths=hundredths,
        callback_url=callback_url,
        body=body,
    )


def require_json(request: Request) -> None:
    """Refuses with 400 what is not announced as JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad_request("Content-Type must be application/json")


def read_reference_id(request: Request) -> str:
    text = request.headers.get("x-reference-id", "")
    try:
        reference_id = uuid.UUID(text)
    except ValueError:
        raise bad_request("X-Reference-Id must be a UUID") from None
    # UUID() also reads braces, urn: and missing hyphens; version 4 of the right variant is what MTN takes.
    if reference_id.version != 4 or str(reference_id) != text.lower():
        raise bad_request("X-Reference-Id must be a UUID of version 4")
    return str(reference_id)


def read_callback_url(request: Request, caller: Caller) -> str | None:
    """The callback address, None when the header is absent.

    Its host must be the registered one; the demo merchant may also name this machine. `sandbox` takes
    http only. MTN's country environments take https only, which a machine without a certificate
    cannot offer, so http passes there.
    """
    url = request.headers.get("x-callback-url")
    if url is None:
        return None
    if not url:
        raise bad_request("X-Callback-Url is empty: leave the header out")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise bad_request("X-Callback-Url is not a URL") from None
    schemes = {"http"} if caller.environment.name == SANDBOX else {"http", "https"}
    if parts.scheme not in schemes:
        raise bad_request(f"X-Callback-Url must be {' or '.join(sorted(schemes))}")
    is_demo = caller.user.product is None
    if host != caller.user.callback_host.lower() and not (is_demo and host in LOCAL_HOSTS):
        raise error(500, "INVALID_CALLBACK_URL_HOST")
    return url
