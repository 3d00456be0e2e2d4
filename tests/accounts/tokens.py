"""A small API of our own, and people who use it."""

from typing import Any

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import ApiTokenAuthentication
from accounts.api.permissions import HasScope
from accounts.api.throttles import TokenRateThrottle
from accounts.models import ApiToken
from accounts.services.tokens import create_token
from tests.accounts.conftest import AT


class LoansView(APIView):
    """A door that scope `loans` opens."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenRateThrottle]
    required_scope = "loans"

    def get(self, request: Request) -> Response:
        return Response({"partner": request.user.get_username(), "scopes": request.auth.scopes})


class EitherView(LoansView):
    """A door that either of two scopes opens."""

    required_scope = None
    required_scopes = ("monitor", "ussd")


class ForgetfulView(LoansView):
    """A door whose author forgot to name a scope."""

    required_scope = None


urlpatterns = [
    path("loans", LoansView.as_view()),
    path("either", EitherView.as_view()),
    path("forgetful", ForgetfulView.as_view()),
]


def make_token(**changes: Any) -> tuple[ApiToken, str]:
    """A partner's token that opens `loans`; `at` is when it was made."""
    wanted: dict[str, Any] = {"partner_email": "ops@telco.example", "scopes": ["loans"], "created_by": None, "at": AT}
    return create_token(**wanted | changes)
