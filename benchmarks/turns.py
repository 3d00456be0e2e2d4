"""Requests as gateways send them, ready to go out."""

import json
import uuid
from urllib.parse import urlencode

from benchmarks.stock import GATEWAY, SERVICE_CODE

NETWORK_CODE = "63510"  # MTN Rwanda, as Africa's Talking names it
_HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}\r\n"


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


def ask_offer(*, phone: str, session_id: str, token: str) -> bytes:
    """A partner asks what this customer may borrow; the answer is to be JSON."""
    return _ask("/api/ussd/loan-offer", _asked(phone, session_id), token)


def approve(*, phone: str, session_id: str, token: str, option: int = 2) -> bytes:
    """The customer takes this option."""
    return _ask("/api/ussd/loan-approve", _asked(phone, session_id) | {"selectedOption": option}, token)


def post(path: str, fields: dict[str, str], *, extra: str = "") -> bytes:
    """A form, as bytes."""
    return _write(path, urlencode(fields), kind="application/x-www-form-urlencoded", extra=extra)


def post_json(path: str, fields: dict[str, object], *, extra: str = "") -> bytes:
    """A JSON object, as bytes."""
    return _write(path, json.dumps(fields), kind="application/json", extra=extra)


def _asked(phone: str, session_id: str) -> dict[str, object]:
    return {"msisdn": phone, "sessionId": session_id, "network": "mtn", "responseType": "json"}


def _ask(path: str, fields: dict[str, object], token: str) -> bytes:
    return post_json(path, fields, extra=f"x-api-token: {token}\r\n")


def _write(path: str, body: str, *, kind: str, extra: str) -> bytes:
    return (_HEAD.format(path=path, kind=kind, length=len(body), extra=extra) + body).encode()
