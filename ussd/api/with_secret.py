"""Turns from gateways that cannot send a header: the secret is the last part of the address."""

import secrets
import time

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ussd.api.receiving import answer_request, comes_from_allowed_address
from ussd.gateways import format_of
from ussd.gateways.base import JSON_TYPE
from ussd.selectors import GatewaysUnknown, KnownGateway, active_gateways
from ussd.statuses import GatewayKind

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def handle_with_secret(request: HttpRequest, gateway: str, secret: str) -> HttpResponse:
    """One turn. An unknown gateway, a wrong secret and a strange address get the same 401, and nothing is written."""
    started = time.monotonic()
    try:
        known = active_gateways().get(gateway)
    except GatewaysUnknown as error:
        return _refuse(request, code=error.code, message=str(error), status=503)
    if not _opens(known, secret) or known is None or not comes_from_allowed_address(known):
        logger.warning("ussd_gateway_refused", gateway=gateway)
        return _refuse(request, code="UNAUTHORIZED", message="Service unavailable.", status=401)
    return answer_request(request, known, format_of(known.kind), started=started)


def _opens(gateway: KnownGateway | None, secret: str) -> bool:
    """Compared in constant time, also when there is nothing to compare with."""
    wanted = gateway.secret if gateway and gateway.secret else secrets.token_urlsafe(32)
    return secrets.compare_digest(wanted.encode(), secret.encode("utf-8", "surrogatepass"))


def _refuse(request: HttpRequest, *, code: str, message: str, status: int) -> HttpResponse:
    """We do not know who asks, so the answer has the shape of what was sent."""
    if (request.content_type or "").lower() == JSON_TYPE:
        return JsonResponse({"code": code, "message": message}, status=status)
    return format_of(GatewayKind.AFRICAS_TALKING).write_refusal(code=code, message=message, status=status)
