"""Callbacks of MTN MoMo (contract section 7, mobile money notes A8).

MTN signs nothing, so a callback is only a hint: it is stored as it came, answered at once, and a task then asks
the provider. No authentication and no CSRF check; staff may list the networks callbacks come from, for each account.
All accounts share these addresses: the payout that a callback speaks of tells whose it is.
"""

from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from audit.context import current_actor
from disbursements.accounts import all_accounts
from disbursements.api.raw_requests import (
    MAX_BODY_BYTES,
    announced_length,
    as_text,
    is_from,
    kept_headers,
    refuse,
)
from disbursements.configuration import ProviderAccount
from disbursements.services.callbacks import claimed_attempt, store_callback
from disbursements.statuses import ProviderSlug
from disbursements.tasks import check_balances

# Seconds: anybody may call, but the provider is asked about the balance no more often for it.
BALANCE_PAUSE_SECONDS = 10
RETRY_AFTER_SECONDS = 30

logger = structlog.get_logger(__name__)


@csrf_exempt
@require_http_methods(["PUT", "POST"])
def receive_callback(request: HttpRequest, reference: UUID | None = None) -> HttpResponse:
    """Store what came, believe nothing. Without a reference in the path the body's `externalId` must do."""
    sender = current_actor().ip
    accounts = all_accounts()
    open_to_sender = {account.provider for account in accounts if _accepts(account, sender)}
    if not open_to_sender:
        return _refuse_sender(sender)
    if announced_length(request) > MAX_BODY_BYTES:
        return refuse("TOO_LARGE", f"At most {MAX_BODY_BYTES} bytes.", status=413)
    try:
        body = as_text(request.body)
        if len(open_to_sender) < len(accounts):
            # Only then does it matter whose it is; else one INSERT is all. What names no payout of ours is kept.
            attempt = claimed_attempt(reference=str(reference or ""), body=body)
            if attempt is not None and attempt.disbursement.provider not in open_to_sender:
                return _refuse_sender(sender)
        store_callback(
            # Whose address it came to. MTN has one for all accounts.
            provider=ProviderSlug.MTN_MOMO,
            reference=str(reference or ""),
            method=str(request.method),
            headers=kept_headers(request.headers),
            body=body,
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


@csrf_exempt
@require_POST
def receive_balance_event(request: HttpRequest) -> HttpResponse:
    """Something happened to our float: look ourselves. What the body says is not read."""
    sender = current_actor().ip
    if not any(_accepts(account, sender) for account in all_accounts()):
        return _refuse_sender(sender)
    try:
        if cache.add("momo-balance-event", 1, timeout=BALANCE_PAUSE_SECONDS):
            check_balances.delay()
    except (BrokerError, RedisError, OSError):
        # The next regular check is at most a minute away.
        logger.warning("balance_check_not_queued")
    return JsonResponse({"status": "received"}, status=202)


def _accepts(account: ProviderAccount, sender: str | None) -> bool:
    return is_from(sender, account.momo_callback_networks)


def _refuse_sender(sender: str | None) -> HttpResponse:
    logger.warning("callback_from_elsewhere", ip=sender)
    return refuse("FORBIDDEN", "Callbacks are not accepted from this address.", status=403)
