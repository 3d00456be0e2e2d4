"""Africa's Talking tells that a session has ended (africastalking.md section 3)."""

import time

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ussd.api.receiving import read_incoming
from ussd.gateways.africastalking import read_form
from ussd.services.events import InvalidEvent, note_session_event
from ussd.turns import BadTurn

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def receive_session_event(request: HttpRequest) -> HttpResponse:
    """Queued for storing and answered at once: 200; 400 for what is no event."""
    try:
        incoming = read_incoming(request, started=time.monotonic())
        note_session_event(fields=read_form(incoming), at=incoming.at)
    except (BadTurn, InvalidEvent) as refusal:
        logger.warning("ussd_bad_session_event", problem=str(refusal))
        return HttpResponse(str(refusal), content_type="text/plain; charset=utf-8", status=400)
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")
