"""Middleware of the composition root."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.context import acting
from config.client_address import client_address

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'{extra}; "
    "connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'; object-src 'none'"
)


class ContentSecurityPolicyMiddleware:
    """Sends a strict policy; the admin theme evaluates expressions in its pages, so there it is laxer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        extra = " 'unsafe-eval'" if request.path.startswith("/admin/") else ""
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(extra=extra))
        return response


class AuditContextMiddleware:
    """Tells the audit trail who acts: the signed-in person, their address and the request's id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(ip=client_address(request), request=request):
            return self.get_response(request)
