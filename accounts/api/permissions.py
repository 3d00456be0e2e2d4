"""What a token may do."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.statuses import TokenScope


class HasScope(BasePermission):
    """The token holds the view's `required_scope`, or any one of its `required_scopes`.

    Otherwise 403 FORBIDDEN. A view that names none, or one that does not exist, raises ImproperlyConfigured.
    """

    code = "forbidden"
    message = "This API token may not do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = scopes_wanted_by(view)
        if not isinstance(request.auth, ApiToken):
            return False
        self.message = f"This API token lacks the scope {' or '.join(sorted(wanted))}."
        return not wanted.isdisjoint(request.auth.scopes)


def scopes_wanted_by(view: Any) -> set[str]:
    """The scopes that open this view."""
    one = getattr(view, "required_scope", None)
    wanted = {one} if one else set(getattr(view, "required_scopes", ()))
    if not wanted or wanted.difference(TokenScope.values):
        raise ImproperlyConfigured(f"{type(view).__name__} needs required_scope or required_scopes of TokenScope.")
    return wanted
