"""Turns from partners with an API token of scope `ussd` (contract section 4)."""

import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import ApiTokenAuthentication
from accounts.api.permissions import HasScope
from accounts.api.throttles import TokenRateThrottle
from accounts.models import ApiToken
from accounts.statuses import TokenScope
from ussd.api.receiving import answer_request, comes_from_allowed_address, read_incoming
from ussd.gateways import format_of
from ussd.gateways.base import read_json, text_field
from ussd.selectors import GatewaysUnknown, KnownGateway, active_gateways
from ussd.service_codes import find_route
from ussd.statuses import GatewayKind
from ussd.turns import BadTurn
from ussd.watchdog import database_work_ends

# Seconds for recognising the token when the database does not answer; the turn still has to fit in after it.
FOR_SIGNING_IN = 2.5


class GatewayNotNamed(exceptions.APIException):
    """Neither the token nor the address says which gateway speaks."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "Name the gateway with ?gateway=, or have it set in the token."
    default_code = "gateway_not_named"


class UnknownGateway(exceptions.NotFound):
    """No active gateway of that name."""

    default_detail = "There is no such gateway here."
    default_code = "unknown_gateway"


class GatewayNotYours(exceptions.PermissionDenied):
    """The token speaks for another gateway, or the request comes from a strange address."""

    default_detail = "This API token may not speak for that gateway from here."
    default_code = "gateway_not_yours"


class GatewaysAway(exceptions.APIException):
    """The database has been away since this process started."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Service temporarily unavailable."
    default_code = "service_unavailable"


class TokenTurnView(APIView):
    """One turn of the gateway that the token, or `?gateway=`, names."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenRateThrottle]
    required_scope = TokenScope.USSD

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Starts the clock of the turn."""
        self.started = time.monotonic()
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks: known in time, also when the database hangs."""
        with database_work_ends(within=FOR_SIGNING_IN):
            super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponse:
        """Answer in the gateway's own format."""
        gateway = find_gateway(request)
        return answer_request(request._request, gateway, format_of(gateway.kind), started=self.started)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # DRF takes any response
        """Gateways that read text get text; the others the usual JSON."""
        response = super().handle_exception(exc)
        if not self._wants_text() or response.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
            return response
        found = response.data or {}
        text = format_of(GatewayKind.AFRICAS_TALKING).write_refusal(
            code=found.get("code", ""), message=found.get("message", ""), status=response.status_code
        )
        for name in ("Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                text.headers[name] = response.headers[name]
        return text

    def _wants_text(self) -> bool:
        """By the address and the body alone: whoever is turned away has no token that could tell."""
        named = self.request.query_params.get("gateway", "")
        try:
            gateway = active_gateways().get(named)
        except GatewaysUnknown:
            return False
        kind = gateway.kind if gateway else named or _kind_of_body(self.request)
        return kind == GatewayKind.AFRICAS_TALKING


class LastInputTurnView(TokenTurnView):
    """Spec 3's address: it speaks spec 3's JSON, whatever the gateway speaks elsewhere."""

    def post(self, request: Request) -> HttpResponse:
        """Answer in spec 3's shape."""
        gateway = find_gateway(request, dialled=peek_service_code(request))
        return answer_request(request._request, gateway, format_of(GatewayKind.LAST_INPUT), started=self.started)


def find_gateway(request: Request, *, dialled: str | None = None) -> KnownGateway:
    """The gateway this request speaks for: the token's, else the one named, else the only one there can be.

    `?gateway=` names a gateway, or a wire format that one gateway alone speaks. With neither, the body's type tells
    the format; with `dialled`, the gateway that has the service code serves. Raises one of the refusals above.
    """
    try:
        known = active_gateways()
    except GatewaysUnknown as error:
        raise GatewaysAway from error
    own = request.auth.gateway if isinstance(request.auth, ApiToken) else ""
    named = request.query_params.get("gateway", "")
    if own and named and own != named:
        raise GatewayNotYours
    slug = own or _named(known, named) or _only_possible(known, dialled, kind=_kind_of_body(request))
    if not slug:
        raise GatewayNotNamed
    if slug not in known:
        raise UnknownGateway
    if not comes_from_allowed_address(known[slug]):
        raise GatewayNotYours
    return known[slug]


def _named(known: Mapping[str, KnownGateway], named: str) -> str:
    return named if named in known else _only_one_speaking(known, named) or named


def _only_one_speaking(known: Mapping[str, KnownGateway], kind: str) -> str:
    speaking = [gateway.slug for gateway in known.values() if gateway.kind == kind]
    return speaking[0] if len(speaking) == 1 else ""


def _kind_of_body(request: Request) -> str:
    is_json = (request.content_type or "").startswith("application/json")
    return GatewayKind.JSON if is_json else GatewayKind.AFRICAS_TALKING


def _only_possible(known: Mapping[str, KnownGateway], dialled: str | None, *, kind: str) -> str:
    if len(known) == 1:
        return next(iter(known))
    if dialled is None:
        return _only_one_speaking(known, kind)
    # Those that have the code; if none has, any will say so. Then those that speak spec 3's JSON anyway; then by name.
    order = sorted(
        known.values(),
        key=lambda gateway: (
            find_route(gateway.service_codes, dialled) is None,
            gateway.kind != GatewayKind.LAST_INPUT,
            gateway.slug,
        ),
    )
    return order[0].slug if order else ""


def peek_service_code(request: Request) -> str:
    """What was dialled, as far as the body can be read; whoever reads it in earnest says what is wrong with it."""
    try:
        return text_field(read_json(read_incoming(request._request, started=0.0)), "serviceCode")
    except BadTurn:
        return ""
