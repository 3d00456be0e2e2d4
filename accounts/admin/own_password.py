"""Staff change their own password, through the service.

The theme's site has the form of its page fixed, so the page is given anew.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy

from accounts.admin.forms import OwnPasswordForm


def change_own_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    """The page behind `admin:password_change`."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context=admin.site.each_context(request) | (extra_context or {}),
    )
    return view(request)


admin.site.password_change = change_own_password  # type: ignore[method-assign, assignment]
