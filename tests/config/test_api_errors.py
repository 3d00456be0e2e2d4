"""Refusals of API views have one shape: `{"code", "message", "details"?}` (contract section 6)."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView


class Teapot(exceptions.APIException):
    """A refusal with a code of its own."""

    status_code = 418
    default_detail = "It is a teapot."
    default_code = "no_coffee"


class Form(serializers.Serializer[Any]):
    amount = serializers.IntegerField(min_value=1)


def answer(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    """What a view that raises `error` sends."""

    class View(APIView):
        authentication_classes = []
        permission_classes = []

        def get(self, _request: Request) -> Response:
            raise error

    response = View.as_view()(APIRequestFactory().get("/"))
    response.render()
    return response.status_code, json.loads(response.content), dict(response.headers)


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (Http404("Batch 12 of somebody else"), 404, "NOT_FOUND", "Not found."),
        (exceptions.NotFound("There is no such code."), 404, "NOT_FOUND", "There is no such code."),
        (PermissionDenied("secret reason"), 403, "FORBIDDEN", "You do not have permission to perform this action."),
        (exceptions.PermissionDenied(), 403, "FORBIDDEN", "You do not have permission to perform this action."),
        (exceptions.ParseError(), 400, "INVALID_REQUEST", "Malformed request."),
        (exceptions.MethodNotAllowed("PUT"), 405, "METHOD_NOT_ALLOWED", 'Method "PUT" not allowed.'),
        (exceptions.UnsupportedMediaType("text/x"), 415, "UNSUPPORTED_MEDIA_TYPE", None),
        (Teapot(), 418, "NO_COFFEE", "It is a teapot."),
        (Teapot("Too hot.", code="too_hot"), 418, "TOO_HOT", "Too hot."),
    ],
)
def test_refusals(error: Exception, status: int, code: str, message: str | None) -> None:
    found_status, body, _headers = answer(error)

    assert (found_status, body["code"], sorted(body)) == (status, code, ["code", "message"])
    assert message is None or body["message"] == message


def test_being_throttled_says_for_how_long() -> None:
    status, body, headers = answer(exceptions.Throttled(wait=12))

    assert (status, body["code"], headers["Retry-After"]) == (429, "RATE_LIMITED", "12")


@pytest.mark.parametrize("error", [exceptions.NotAuthenticated(), exceptions.AuthenticationFailed()])
def test_strangers_are_unauthorized(error: exceptions.APIException) -> None:
    status, body, _headers = answer(error)

    # 403, because this view has no scheme to offer; those of tokens answer 401.
    assert (status, body["code"]) == (403, "UNAUTHORIZED")


def test_what_was_wrong_with_a_body_is_told_by_field() -> None:
    form = Form(data={"amount": 0})
    with pytest.raises(exceptions.ValidationError) as caught:
        form.is_valid(raise_exception=True)

    status, body, _headers = answer(caught.value)

    assert (status, body["code"], body["message"]) == (400, "INVALID_REQUEST", "Invalid input.")
    assert body["details"] == {"amount": ["Ensure this value is greater than or equal to 1."]}


def test_what_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError())
