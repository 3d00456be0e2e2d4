"""One place where a refusal becomes an HTTP answer: `{"code", "message", "details"?}` (contract section 6)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

# DRF's words for what the contract names otherwise (sections 2 and 3).
_CONTRACT_CODES = {
    "INVALID": "INVALID_REQUEST",
    "PARSE_ERROR": "INVALID_REQUEST",
    "NOT_AUTHENTICATED": "UNAUTHORIZED",
    "AUTHENTICATION_FAILED": "UNAUTHORIZED",
    "PERMISSION_DENIED": "FORBIDDEN",
    "THROTTLED": "RATE_LIMITED",
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What nobody foresaw returns None and becomes a logged 500."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return None
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
