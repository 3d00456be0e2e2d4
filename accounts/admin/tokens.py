"""Partners' tokens: who has which, how they are used; switched off, on and revoked by buttons."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.admin.acting import acting_user
from accounts.admin.token_forms import ReasonForm, TokenChangeForm
from accounts.admin.token_pages import TokenPages
from accounts.models import ApiToken
from accounts.selectors import usage_of
from accounts.services import tokens
from accounts.services.token_requests import TokenRefused
from accounts.statuses import TokenStatus
from audit.admin_lists import ReadOnlyAdmin, day, moment

Move = Callable[..., ApiToken]
# Methods of the admin, and the status each leads to.
_BUTTONS = {"revoke": "revoked", "switch_off": "inactive", "switch_on": "active"}


@admin.register(ApiToken)
class ApiTokenAdmin(TokenPages, ReadOnlyAdmin):
    """The hash is never shown, the token only on the page that makes it."""

    list_display = ("partner_email", "name", "start", "scope_words", "gateway", "state", "ends", "last_use")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("created_by", "replaces")
    search_fields = ("partner_email", "name", "prefix")
    search_help_text = "Partner, name or the first characters of the token"
    ordering = ("-created_at", "-id")
    actions = ("revoke_selected",)
    actions_detail = ("rotate", "change_limits", *_BUTTONS)
    change_form_after_template = "admin/accounts/apitoken/usage.html"
    fieldsets = (
        (None, {"fields": (("partner_email", "name"), ("start", "state"), ("scope_words", "gateway"))}),
        ("Limits", {"fields": (("rate_limit", "allowed_from"),)}),
        (
            "Dates",
            {
                "fields": (
                    ("created_at", "created_by"),
                    ("expires_at", "retires_at"),
                    ("replaces", "successor"),
                    ("last_used_at", "revoked_at"),
                )
            },
        ),
    )
    readonly_fields = ("start", "state", "scope_words", "allowed_from", "successor")

    @display(description="Token")
    def start(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @display(description="Scopes")
    def scope_words(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(description="Allowed addresses")
    def allowed_from(self, token: ApiToken) -> str:
        return ", ".join(token.allowed_ips) or "any"

    @display(description="Replaced by")
    def successor(self, token: ApiToken) -> str:
        return str(ApiToken.objects.filter(replaces=token).first() or "-")

    @display(
        description="Status",
        label={
            "Active": "success",
            "Retiring": "warning",
            "Replaced": "warning",
            "Expired": "warning",
            "Inactive": "warning",
            "Revoked": "danger",
        },
    )
    def state(self, token: ApiToken) -> str:
        if token.status != TokenStatus.ACTIVE:
            return str(TokenStatus(token.status).label)
        now = timezone.now()
        if token.expires_at <= now:
            return "Expired"
        if token.retires_at is None:
            return "Active"
        return "Retiring" if token.retires_at > now else "Replaced"

    @display(description="Works until")
    def ends(self, token: ApiToken) -> SafeString:
        return day(token.opens_until)

    @display(description="Last use (UTC)")
    def last_use(self, token: ApiToken) -> SafeString:
        return moment(token.last_used_at)

    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may switch off and revoke: whoever may change tokens."""
        return request.user.has_perm("accounts.change_apitoken")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the buttons that the token's state allows."""
        token = self.get_object(request, object_id)
        shown = {f"accounts_apitoken_{name}" for name in _buttons_of(token)} if token else set()
        return [button for button in super().get_actions_detail(request, object_id) if button.action_name in shown]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The token, and its last thirty days."""
        usage = usage_of(int(object_id), until=timezone.now().date()) if object_id.isdecimal() else []
        shown = {"usage": usage, "busiest": max((one.requests for one in usage), default=0)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    @action(
        description="Change limits",
        permissions=["make"],
        icon="tune",
        dialog={
            "title": "Change what this token may do",
            "description": "In force from the next request on.",
            "form_class": TokenChangeForm,
            "form_submit_text": "Change",
        },
    )
    def change_limits(self, request: HttpRequest, form: TokenChangeForm, object_id: str) -> HttpResponse:
        asked = form.cleaned_data
        changes = {name: asked[name] for name in ("name", "rate_limit", "allowed_ips")}

        def change(**rest: Any) -> ApiToken:
            return tokens.change_token(changes=changes, changed_by=acting_user(request), **rest)

        return self._press(request, form, object_id, move=change, done="is changed")

    @action(
        description="Revoke",
        permissions=["move"],
        icon="block",
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Revoke this token?",
            "description": "It opens nothing from the next request on, and can never be switched on again.",
            "form_class": ReasonForm,
            "form_submit_text": "Revoke",
        },
    )
    def revoke(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._press(request, form, object_id, move=tokens.revoke_token, done="is revoked")

    @action(
        description="Switch off",
        permissions=["move"],
        icon="toggle_off",
        dialog={
            "title": "Switch this token off?",
            "description": "It opens nothing from the next request on, until it is switched on again.",
            "form_class": ReasonForm,
            "form_submit_text": "Switch off",
        },
    )
    def switch_off(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._press(request, form, object_id, move=tokens.deactivate_token, done="is switched off")

    @action(
        description="Switch on",
        permissions=["move"],
        icon="toggle_on",
        dialog={
            "title": "Switch this token on?",
            "description": "It opens its partner's doors again, until it expires.",
            "form_class": ReasonForm,
            "form_submit_text": "Switch on",
        },
    )
    def switch_on(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._press(request, form, object_id, move=tokens.activate_token, done="is switched on")

    def _press(self, request: HttpRequest, form: Any, object_id: str, *, move: Move, done: str) -> HttpResponse:
        """One service call, its refusal shown; then the token's page again."""
        if not object_id.isdecimal():
            raise Http404
        try:
            token = move(token_id=int(object_id), reason=form.cleaned_data["reason"], at=timezone.now())
        except (TokenRefused, ApiToken.DoesNotExist) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"The token {token.prefix}… of {token.partner_email} {done}.")
        page = reverse("admin:accounts_apitoken_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": page})

    @admin.action(description="Revoke for ever", permissions=["move"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token_id in queryset.values_list("pk", flat=True):
            tokens.revoke_token(token_id=token_id, reason="Revoked from the list.", at=timezone.now())
        messages.success(request, "The chosen tokens are revoked.")


def _buttons_of(token: ApiToken) -> set[str]:
    names = {name for name, to in _BUTTONS.items() if to in TokenStatus.MOVES[token.status]}
    if token.status != TokenStatus.REVOKED:
        names.add("change_limits")
    if token.status == TokenStatus.ACTIVE and token.retires_at is None and token.expires_at > timezone.now():
        names.add("rotate")
    return names
