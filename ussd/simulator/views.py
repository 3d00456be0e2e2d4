"""The simulator's page and the two things its phone cannot know by itself: arrived SMS and printed codes."""

from typing import Any

import requests
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from promos.models import PromoCode
from promos.statuses import BatchStatus, CodeStatus
from ussd.models import Gateway
from ussd.services.gateways import reveal_secret
from ussd.simulator.cast import CAST
from ussd.statuses import GatewayKind

SESSION_SECONDS = 180
CODES_SHOWN = 6
NETWORKS = {"63510": "MTN RW", "63514": "Airtel RW", "62130": "MTN NG", "63902": "Safaricom KE", "99999": "Sandbox"}


def _sandbox_only() -> None:
    if not settings.SANDBOX:
        raise Http404("The simulator exists in sandbox mode only.")


@require_safe
@ensure_csrf_cookie
def phone(request: HttpRequest) -> HttpResponse:
    """The phone. It is handed the gateways' addresses, secrets included: that is why it is for the sandbox only."""
    _sandbox_only()
    return render(request, "simulator/phone.html", {"setup": _setup()})


def _setup() -> dict[str, Any]:
    gateways = Gateway.objects.filter(kind=GatewayKind.AFRICAS_TALKING, is_active=True)
    return {
        "gateways": [
            {
                "slug": gateway.slug,
                "name": gateway.name,
                "address": f"/api/v1/ussd/handle/{gateway.slug}/{reveal_secret(gateway=gateway)}/",
                "serviceCodes": gateway.service_codes,
            }
            for gateway in gateways
        ],
        "people": [{"phone": p.phone, "about": p.about, "networkCode": p.network_code} for p in CAST],
        "networks": NETWORKS,
        "sessionSeconds": SESSION_SECONDS,
        "inbox": reverse("simulator-inbox"),
        "codes": reverse("simulator-codes"),
        "sessionEvents": "/api/v1/webhooks/ussd/status/",
    }


@require_safe
def inbox(request: HttpRequest) -> JsonResponse:
    """SMS that reached `?phone=` in the sandbox, newest first: `{"messages": [{"message", "at"}]}`."""
    _sandbox_only()
    number = request.GET.get("phone", "")
    try:
        answer = requests.get(f"{settings.SANDBOX_URL}/_sandbox/sms", params={"to": number}, timeout=(1, 3))
        received = answer.json()
    except (requests.RequestException, ValueError):
        return JsonResponse({"messages": [], "error": "The sandbox does not answer."}, status=503)
    mine = [{"message": sms["message"], "at": sms["at"]} for sms in received if sms["to"] == number]
    return JsonResponse({"messages": mine[::-1][:20]})


@require_safe
def codes(request: HttpRequest) -> JsonResponse:
    """A few codes "under lids": unused ones of running batches, newest first."""
    _sandbox_only()
    found = PromoCode.objects.filter(status=CodeStatus.ACTIVE, batch__status=BatchStatus.ACTIVE).select_related("batch")
    shown = [
        {"code": str(code), "amount": f"{code.amount:,.0f} {code.batch.currency}", "batch": code.batch.name}
        for code in found.order_by("-id")[:CODES_SHOWN]
    ]
    return JsonResponse({"codes": shown})
