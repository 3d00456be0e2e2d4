"""The two pages that make a token and show it, on that one answer and never again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import action

from accounts.admin.acting import acting_user
from accounts.admin.token_forms import TokenCreationForm, TokenRotationForm
from accounts.models import ApiToken
from accounts.services.authority import is_super_administrator
from accounts.services.token_requests import TokenRefused
from accounts.services.token_rotation import rotate_token
from accounts.services.tokens import create_token

Make = Callable[[dict[str, Any]], tuple[ApiToken, str]]


class TokenPages:
    """Beside an admin of tokens. Only a Super Administrator reaches them."""

    admin_site: Any
    opts: Any
    get_object: Callable[[HttpRequest, str], ApiToken | None]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_super_administrator(acting_user(request))

    def has_make_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may make a successor, and change what a token may do."""
        return is_super_administrator(acting_user(request))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A token for a partner who has none."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._make(
            request,
            TokenCreationForm(request.POST or None),
            make=lambda asked: create_token(**asked, created_by=acting_user(request), at=timezone.now()),
            words={"title": "Make an API token", "button": "Make token"},
        )

    @action(description="Rotate", permissions=["make"], icon="autorenew", url_path="rotate")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A successor for a partner who goes on using the old token for a while."""
        old = self.get_object(request, object_id)
        if old is None:
            raise Http404

        def make(asked: dict[str, Any]) -> tuple[ApiToken, str]:
            at = timezone.now()
            until = at + timedelta(hours=asked.pop("hours"))
            return rotate_token(token_id=old.pk, until=until, rotated_by=acting_user(request), at=at, **asked)

        intro = (
            f"{old.partner_email} gets a new token with the same scopes, gateway, limit and allowed addresses. The old "
            f"one ({old.prefix}…) goes on working for as long as you say, then it opens nothing."
        )
        words = {"title": f"Rotate the token of {old.partner_email}", "intro": intro, "button": "Rotate token"}
        return self._make(request, TokenRotationForm(request.POST or None), make=make, words=words)

    def _make(self, request: HttpRequest, form: forms.Form, *, make: Make, words: dict[str, str]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **words}
        if request.method == "POST" and form.is_valid():
            try:
                token, plain = make(dict(form.cleaned_data))
            except TokenRefused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            else:
                made = {"title": "API token made", "token": token, "plain": plain}
                return TemplateResponse(request, "admin/accounts/apitoken/made.html", context | made)
        return TemplateResponse(request, "admin/accounts/apitoken/make.html", context | {"form": form})
