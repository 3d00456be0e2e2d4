"""Sessions for monitoring: one, all, and clearing them (contract section 4, spec 3). Phone numbers are masked."""

from datetime import UTC, datetime
from typing import Any

import redis
from django.contrib.auth import get_user
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import ApiTokenAuthentication
from accounts.api.permissions import HasScope
from accounts.api.throttles import TokenRateThrottle
from accounts.models import User
from accounts.phone_numbers import mask_phone
from accounts.statuses import TokenScope
from configuration.selectors import current
from ussd.configuration import UssdSettings
from ussd.services.sessions import clear_all_sessions
from ussd.session_index import find_session, list_active
from ussd.sessions import Session

# Spec 5's `system.monitoring`.
MONITORING_PERMISSION = "ussd.system_monitoring"


class SessionStoreAway(exceptions.APIException):
    """Redis does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The session store does not answer."
    default_code = "service_unavailable"


class SessionNotFound(exceptions.NotFound):
    """No session with this id is remembered."""

    default_detail = "There is no such session, or it has been forgotten."
    default_code = "session_not_found"


class MonitoringView(APIView):
    """Opens with a token of scope `monitor`."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenRateThrottle]
    required_scope = TokenScope.MONITOR


class SessionView(MonitoringView):
    """One session, by the gateway's id for it."""

    def get(self, request: Request) -> Response:
        """`?sessionId=`; also for a while after the session has ended."""
        session_id = request.query_params.get("sessionId", "")
        if not session_id:
            raise exceptions.ValidationError({"sessionId": ["This query parameter is required."]})
        try:
            session = find_session(session_id)
        except (redis.RedisError, OSError) as error:
            raise SessionStoreAway from error
        if session is None:
            raise SessionNotFound
        return Response(
            _summary(session)
            | {
                "gateway": session.gateway,
                "serviceCode": session.service_code,
                "journey": session.journey,
                "language": session.language,
                "ended": session.ended,
            }
        )


class SessionsView(MonitoringView):
    """Every session that waits for input."""

    def get(self, request: Request) -> Response:
        """Spec 3's body: how many, and the latest 500."""
        try:
            active = list_active(seconds=current(UssdSettings).session_timeout_seconds)
        except (redis.RedisError, OSError) as error:
            raise SessionStoreAway from error
        return Response(
            {"activeSessions": active.count, "sessions": [_summary(session) for session in active.sessions]}
        )


class IsSignedInMonitor(BasePermission):
    """A member of staff is signed in besides, and may monitor the system.

    The token opens the door, the person is who did it. The request carries a header no other site can send, so
    the session cookie needs no further proof that the person meant it.
    """

    message = "Sign in to the back office as somebody who may monitor the system."

    def has_permission(self, request: Request, view: Any) -> bool:
        """The user of the session cookie; DRF's own user is the partner."""
        person = get_user(request._request)
        return isinstance(person, User) and person.is_staff and person.has_perm(MONITORING_PERMISSION)


class ClearSessionsView(MonitoringView):
    """Forget every session: scope `monitor`, and a signed-in person with the permission `system.monitoring`."""

    permission_classes = [HasScope, IsSignedInMonitor]

    def post(self, request: Request) -> Response:
        """Spec 3's body."""
        person = get_user(request._request)
        assert isinstance(person, User)  # the permission saw to it
        try:
            cleared = clear_all_sessions(cleared_by=person, at=timezone.now())
        except (redis.RedisError, OSError) as error:
            raise SessionStoreAway from error
        return Response({"message": "All sessions cleared", "cleared": cleared})


def state_of(session: Session | None) -> str:
    """Where a session stands, in spec 3's way of writing: `PROMO_CODE`."""
    return session.place.screen.replace(".", "_").upper() if session else ""


def _summary(session: Session) -> dict[str, Any]:
    idle = timezone.now().timestamp() - session.last_at
    return {
        "sessionId": session.session_id,
        "phoneNumber": mask_phone(session.phone),
        "state": state_of(session),
        "createdAt": _moment(session.started_at),
        "lastActivityAt": _moment(session.last_at),
        # Milliseconds.
        "idleTime": max(0, round(idle * 1000)),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")
