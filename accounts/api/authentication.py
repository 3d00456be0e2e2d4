"""Partners come with a token in the header `x-api-token` (contract section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.api.usage import note_request
from accounts.models import ApiToken
from accounts.services.token_checks import TokenCheckUnavailable, TokenInvalid, check_token
from audit.context import current_actor

HEADER = "x-api-token"


@dataclass(frozen=True)
class Partner:
    """Who a request with a token comes from: no user of ours, but a name in the audit trail."""

    email: str
    pk: ClassVar[None] = None
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False

    def get_username(self) -> str:
        """How the audit trail calls the partner."""
        return f"token:{self.email}"


class Unauthorized(exceptions.AuthenticationFailed):
    """401 UNAUTHORIZED."""

    default_code = "unauthorized"


class Unavailable(exceptions.APIException):
    """503 SERVICE_UNAVAILABLE."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Service temporarily unavailable."
    default_code = "service_unavailable"


class ApiTokenAuthentication(BaseAuthentication):
    """`request.auth` is the `ApiToken` row, `request.user` the `Partner`. No header: not ours to judge."""

    def authenticate(self, request: Request) -> tuple[Partner, ApiToken] | None:
        """Raises Unauthorized for a token that opens nothing, Unavailable when nobody can tell."""
        plain = request.headers.get(HEADER)
        if plain is None:
            return None
        at = timezone.now()
        try:
            token = check_token(plain.strip(), at=at, address=current_actor().ip)
        except TokenInvalid as refusal:
            raise Unauthorized(str(refusal)) from refusal
        except TokenCheckUnavailable as trouble:
            raise Unavailable from trouble
        note_request(token, at=at)
        return Partner(email=token.partner_email), token

    def authenticate_header(self, request: Request) -> str:
        """Makes a missing token a 401 rather than a 403."""
        return f'ApiToken header="{HEADER}"'
