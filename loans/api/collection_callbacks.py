"""Callbacks of MTN MoMo's Collections (contract section 7, mobile money notes A8), at
`/api/v1/webhooks/momo/collections/<reference>/` and without the reference.

MTN signs nothing, so a callback is only a hint: it is stored as it came, answered at once, and a task then asks
the provider. No authentication and no CSRF check; staff may list the networks callbacks come from.
"""

from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from audit.context import current_actor
from configuration.selectors import current
from disbursements.api.raw_requests import (
    MAX_BODY_BYTES,
    announced_length,
    as_text,
    is_from,
    kept_headers,
    refuse,
)
from loans.collection_settings import CollectionSettings
from loans.services.collection_callbacks import store_callback

RETRY_AFTER_SECONDS = 30

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_http_methods(["PUT", "POST"])
def receive_callback(request: HttpRequest, reference: UUID | None = None) -> HttpResponse:
    """Store what came, believe nothing. Without a reference in the path the body's `externalId` must do."""
    sender = current_actor().ip
    if not is_from(sender, current(CollectionSettings).callback_networks):
        logger.warning("callback_from_elsewhere", ip=sender)
        return refuse("FORBIDDEN", "Callbacks are not accepted from this address.", status=403)
    if announced_length(request) > MAX_BODY_BYTES:
        return refuse("TOO_LARGE", f"At most {MAX_BODY_BYTES} bytes.", status=413)
    try:
        store_callback(
            reference=reference,
            method=str(request.method),
            headers=kept_headers(request.headers),
            body=as_text(request.body),
            ip=sender,
            at=timezone.now(),
        )
    except UnreadablePostError:
        return refuse("INVALID_REQUEST", "The body ended early.", status=400)
    except (OperationalError, InterfaceError) as error:
        # Not stored, so not taken: the provider may call again, and polling goes on in any case.
        logger.error("callback_not_stored", error=type(error).__name__)
        refusal = refuse("SERVICE_UNAVAILABLE", "Try again later.", status=503)
        refusal["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return refusal
    return JsonResponse({"status": "received"})
