"""How the USSD service does: for partners with a token, and in two lines for anybody."""

from typing import Any

import redis
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from rest_framework.request import Request
from rest_framework.response import Response

from configuration.selectors import current
from ussd.api.sessions import MonitoringView
from ussd.configuration import UssdSettings
from ussd.registry import journey_names
from ussd.selectors import GatewaysUnknown, active_gateways
from ussd.session_index import count_active
from ussd.turn_log import turns_key


class StatusView(MonitoringView):
    """State of the service and what it offers."""

    def get(self, request: Request) -> Response:
        """`status` is `ok`, or `degraded` when something behind is away; turns are answered either way."""
        sessions, waiting = _session_store()
        database = _database()
        return Response(
            {
                "status": "ok" if sessions is not None and database == "ok" else "degraded",
                "timestamp": _now(),
                "database": database,
                "sessionStore": "ok" if sessions is not None else "unreachable",
                "activeSessions": sessions,
                "turnsWaitingForLog": waiting,
                "journeys": journey_names(),
                "gateways": _gateways(),
            }
        )


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Spec 3's body; open to all, nothing personal in it. `activeSessions` is null while Redis is away."""
    sessions, _waiting = _session_store()
    words = "USSD service is running" if sessions is not None else "USSD service is running without session store"
    return JsonResponse({"status": words, "timestamp": _now(), "activeSessions": sessions})


def _session_store() -> tuple[int | None, int | None]:
    """Active sessions and turns waiting to be stored; None when Redis is away."""
    try:
        active = count_active(seconds=current(UssdSettings).session_timeout_seconds)
        return active, get_redis_connection("sessions").llen(turns_key())
    except (redis.RedisError, OSError):
        return None, None


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "unreachable"
    return "ok"


def _gateways() -> list[dict[str, Any]]:
    try:
        known = active_gateways().values()
    except GatewaysUnknown:
        return []
    return [
        {"slug": gateway.slug, "kind": gateway.kind, "serviceCodes": dict(gateway.service_codes)} for gateway in known
    ]


def _now() -> str:
    return timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
