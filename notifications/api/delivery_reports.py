"""Where Africa's Talking posts delivery reports."""

import hmac

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from configuration.selectors import current
from notifications.africastalking.reports import MalformedReport, read_report
from notifications.configuration import NotificationSettings
from notifications.services.reports import receive_report

# Octets. A report has five short fields.
LARGEST_BODY = 8192
FORM = "application/x-www-form-urlencoded"

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def receive_delivery_report(request: HttpRequest, secret: str = "") -> HttpResponse:
    """POST, form-encoded. 200 once stored, whatever the report is about (contract section 7).

    404 with a wrong or missing secret, 413 and 415 for a body that cannot be a report, 400 for a malformed
    one, 503 when it could not be stored: the provider may try again.
    """
    expected = current(NotificationSettings).delivery_report_secret.get_secret_value()
    if not hmac.compare_digest(secret.encode(), expected.encode()):
        return _say("Not found.", 404)
    if request.content_type != FORM:
        return _say(f"Expected {FORM}.", 415)
    if _length_of(request) > LARGEST_BODY:
        return _say(f"At most {LARGEST_BODY} octets.", 413)
    try:
        fields = read_report(request.POST.dict())
    except MalformedReport as error:
        return _say(f"{error}.", 400)
    try:
        receive_report(fields=fields, at=timezone.now())
    except DatabaseError as error:
        logger.error("delivery_report_not_stored", error=str(error))
        return _say("Try again later.", 503)
    return _say("OK", 200)


def _length_of(request: HttpRequest) -> int:
    # The server reads no more than the header announces; without one, nothing.
    announced = request.headers.get("Content-Length", "")
    return int(announced) if announced.isdecimal() else 0


def _say(words: str, status: int) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
