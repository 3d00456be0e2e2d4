"""Spec 3's test address: a dialogue without a gateway, for trying flows out.

It runs the real engine, because a dry run would show other words than customers see. So it exists in sandbox mode
only, where payouts go to the simulated provider, and it makes sure of that.
"""

import redis
from django.conf import settings
from django.http import HttpResponseBase
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.statuses import TokenScope
from disbursements.accounts import all_accounts
from ussd.api.receiving import read_incoming
from ussd.api.sessions import state_of
from ussd.api.with_token import TokenTurnView, find_gateway, peek_service_code
from ussd.engine import answer
from ussd.gateways import format_of
from ussd.session_index import find_session
from ussd.statuses import GatewayKind
from ussd.turns import BadTurn


class SandboxOnly(exceptions.PermissionDenied):
    """Real money could move."""

    default_detail = "This address works in sandbox mode only, while payouts go to the simulated provider."
    default_code = "sandbox_only"


class TrialView(TokenTurnView):
    """One turn in spec 3's shape, answered with the state besides. Scope `monitor`."""

    required_scope = TokenScope.MONITOR

    def post(self, request: Request) -> HttpResponseBase:  # type: ignore[override]
        """`{sessionId, phoneNumber, text, serviceCode?}`."""
        _refuse_real_money()
        gateway = find_gateway(request, dialled=peek_service_code(request))
        try:
            incoming = read_incoming(request._request, started=self.started)
            turn = format_of(GatewayKind.LAST_INPUT).read_turn(incoming, gateway)
        except BadTurn as refusal:
            return Response({"code": refusal.code, "message": str(refusal)}, status=400)
        reply = answer(turn, gateway=gateway)
        return Response(
            {
                "sessionId": turn.session_id,
                "phoneNumber": turn.phone.removeprefix("+"),
                "state": _state(turn.session_id),
                "message": reply.text,
                "continueSession": not reply.ends,
            }
        )


def _refuse_real_money() -> None:
    if not settings.SANDBOX or not all(account.is_simulated for account in all_accounts()):
        raise SandboxOnly


def _state(session_id: str) -> str:
    try:
        return state_of(find_session(session_id))
    except (redis.RedisError, OSError):
        return ""
