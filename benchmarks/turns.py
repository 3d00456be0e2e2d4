"""Requests as gateways send them, ready to go out."""

import uuid
from urllib.parse import urlencode

from benchmarks.stock import GATEWAY, SERVICE_CODE

NETWORK_CODE = "63510"  # MTN Rwanda, as Africa's Talking names it
_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {length}\r\n{extra}\r\n"
)


def secret_path(secret: str) -> str:
    """The address of gateways that cannot send a header."""
    return f"/api/v1/ussd/handle/{GATEWAY}/{secret}/"


def token_path() -> str:
    """The address of token holders."""
    return f"/api/v1/ussd/handle/?gateway={GATEWAY}"


def dial(*, path: str, phone: str, text: str = "", token: str = "") -> bytes:
    """The first turn of a new session at Africa's Talking: five fields, the whole input in `text`."""
    fields = {
        "sessionId": f"ATUid_{uuid.uuid4().hex}",
        "phoneNumber": phone,
        "networkCode": NETWORK_CODE,
        "serviceCode": SERVICE_CODE,
        "text": text,
    }
    return post(path, fields, extra=f"x-api-token: {token}\r\n" if token else "")


def post(path: str, fields: dict[str, str], *, extra: str = "") -> bytes:
    """A form, as bytes."""
    body = urlencode(fields)
    return (_HEAD.format(path=path, length=len(body), extra=extra) + body).encode()
