"""One place where a refusal becomes an HTTP answer: `{"code", "message", "details"?}` (contract section 6)."""

from typing import Any

from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

# Codes of our own refusals and their statuses; DRF's exceptions carry their own.
STATUS_BY_CODE: dict[str, int] = {}

# DRF's words for what the contract names otherwise (sections 2 and 3).
_CONTRACT_CODES = {
    "NOT_AUTHENTICATED": "UNAUTHORIZED",
    "AUTHENTICATION_FAILED": "UNAUTHORIZED",
    "PERMISSION_DENIED": "FORBIDDEN",
    "THROTTLED": "RATE_LIMITED",
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What nobody foresaw returns None and becomes a logged 500."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in STATUS_BY_CODE:
        return Response({"code": code, "message": str(error)}, status=STATUS_BY_CODE[code])
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    body: dict[str, Any] = {"code": _code_of(error), "message": _message_of(error)}
    if isinstance(error, exceptions.ValidationError):
        body["details"] = response.data
    response.data = body
    return response


def _code_of(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    code = (codes if isinstance(codes, str) else error.default_code).upper()
    return _CONTRACT_CODES.get(code, code)


def _message_of(error: exceptions.APIException) -> str:
    return str(error.detail) if isinstance(error.detail, str) else str(error.default_detail)
