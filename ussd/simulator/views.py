"""The simulator's page and the two things its phone cannot know by itself: arrived SMS and printed codes."""

from typing import Any

import requests
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from ledger.money import format_amount
from promos.models import PromoCode
from promos.statuses import BatchStatus, CodeStatus
from ussd.models import Gateway
from ussd.registry import journey_by_name
from ussd.services.gateways import reveal_secret
from ussd.simulator.cast import CAST
from ussd.statuses import GatewayKind

SESSION_SECONDS = 180
CODES_SHOWN = 4
MESSAGES_SHOWN = 20
NETWORKS = {"63510": "MTN RW", "63514": "Airtel RW", "62130": "MTN NG", "63902": "Safaricom KE", "99999": "Sandbox"}


def _sandbox_only() -> None:
    if not settings.SANDBOX:
        raise Http404("The simulator exists in sandbox mode only.")


@require_safe
def phone(request: HttpRequest) -> HttpResponse:
    """The phone. It is handed the gateways' addresses, secrets included: that is why it is for the sandbox only."""
    _sandbox_only()
    return render(request, "simulator/phone.html", {"setup": _setup(), "sandbox_url": settings.SANDBOX_URL})


def _setup() -> dict[str, Any]:
    gateways = Gateway.objects.filter(kind=GatewayKind.AFRICAS_TALKING, is_active=True)
    return {
        "gateways": [
            {
                "slug": gateway.slug,
                "name": gateway.name,
                "address": reverse("ussd-handle-secret", args=[gateway.slug, reveal_secret(gateway=gateway)]),
                "serviceCodes": [
                    {"code": code, "journey": journey, "title": _title(journey)}
                    for code, journey in gateway.service_codes.items()
                ],
            }
            for gateway in gateways
        ],
        "people": [{"phone": p.phone, "name": p.name, "story": p.story, "networkCode": p.network_code} for p in CAST],
        "networks": NETWORKS,
        "sessionSeconds": SESSION_SECONDS,
        "inbox": reverse("simulator-inbox"),
        "codes": reverse("simulator-codes"),
        "sessionEvents": reverse("ussd-session-event"),
    }


def _title(journey: str) -> str:
    try:
        return journey_by_name(journey).title
    except KeyError:
        return journey


@require_safe
def inbox(request: HttpRequest) -> JsonResponse:
    """SMS that reached `?phone=` in the sandbox, newest first: `{"messages": [{"message", "at"}]}`."""
    _sandbox_only()
    try:
        number = parse_phone(request.GET.get("phone", ""), any_country=True)
    except InvalidPhoneNumber:
        return JsonResponse({"messages": [], "error": "This is not a phone number."}, status=400)
    try:
        answer = requests.get(f"{settings.SANDBOX_URL}/_sandbox/sms", params={"to": number}, timeout=(1, 3))
        answer.raise_for_status()
        received = answer.json()
    except requests.RequestException:
        return JsonResponse({"messages": [], "error": "The sandbox does not answer."}, status=503)
    newest = received[::-1][:MESSAGES_SHOWN]
    return JsonResponse({"messages": [{"message": sms["message"], "at": sms["at"]} for sms in newest]})


@require_safe
def codes(request: HttpRequest) -> JsonResponse:
    """A few codes "under lids": unused ones of running batches, newest first."""
    _sandbox_only()
    found = PromoCode.objects.filter(status=CodeStatus.ACTIVE, batch__status=BatchStatus.ACTIVE).select_related("batch")
    shown = [
        {"code": str(code), "amount": format_amount(code.amount, code.batch.currency), "batch": code.batch.name}
        for code in found.order_by("-id")[:CODES_SHOWN]
    ]
    return JsonResponse({"codes": shown})
