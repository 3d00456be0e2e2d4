"""Partners' tokens: made on a page that shows the token once, switched off and revoked by buttons."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.acting import acting_user
from accounts.admin.forms import TokenCreationForm
from accounts.models import ApiToken
from accounts.services import tokens
from accounts.services.authority import is_super_administrator
from accounts.statuses import TokenStatus
from audit.admin_lists import ReadOnlyAdmin, day, moment

Move = Callable[..., ApiToken]
# Methods of the admin, and the status each leads to.
_BUTTONS = {"revoke": "revoked", "switch_off": "inactive", "switch_on": "active"}


class ReasonForm(BaseDialogForm):
    """Why a button was pressed, for the audit trail."""

    reason = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """The hash is never shown, the token only on the page that makes it."""

    list_display = ("partner_email", "name", "start", "scope_words", "gateway", "state", "expires", "last_use")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("created_by",)
    search_fields = ("partner_email", "name", "prefix")
    search_help_text = "Partner, name or the first characters of the token"
    ordering = ("-created_at", "-id")
    actions = ("revoke_selected",)
    actions_detail = tuple(_BUTTONS)
    fieldsets = (
        (None, {"fields": (("partner_email", "name"), ("start", "state"), ("scope_words", "gateway"), "rate_limit")}),
        ("Dates", {"fields": (("created_at", "created_by"), ("expires_at", "last_used_at"), "revoked_at")}),
    )
    readonly_fields = ("start", "state", "scope_words")

    @display(description="Token")
    def start(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @display(description="Scopes")
    def scope_words(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(
        description="Status",
        label={"Active": "success", "Expired": "warning", "Inactive": "warning", "Revoked": "danger"},
    )
    def state(self, token: ApiToken) -> str:
        if token.status == TokenStatus.ACTIVE and token.expires_at <= timezone.now():
            return "Expired"
        return TokenStatus(token.status).label

    @display(description="Expires")
    def expires(self, token: ApiToken) -> SafeString:
        return day(token.expires_at)

    @display(description="Last use (UTC)")
    def last_use(self, token: ApiToken) -> SafeString:
        return moment(token.last_used_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_super_administrator(acting_user(request))

    def has_move_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may switch off and revoke: whoever may change tokens."""
        return request.user.has_perm("accounts.change_apitoken")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the buttons that the token's status allows."""
        status = ApiToken.objects.filter(pk=object_id).values_list("status", flat=True).first()
        moves = TokenStatus.MOVES[status] if status else set()
        shown = {f"accounts_apitoken_{name}" for name, to in _BUTTONS.items() if to in moves}
        return [button for button in super().get_actions_detail(request, object_id) if button.action_name in shown]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; after it the token, shown on this one answer and kept nowhere."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenCreationForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Make an API token"}
        if request.method == "POST" and form.is_valid():
            try:
                token, plain = tokens.create_token(
                    **form.cleaned_data, created_by=acting_user(request), at=timezone.now()
                )
            except tokens.TokenRefused as refusal:
                form.add_error(refusal.field or None, str(refusal))
            else:
                made = {"title": "API token made", "token": token, "plain": plain}
                return TemplateResponse(request, "admin/accounts/apitoken/made.html", context | made)
        return TemplateResponse(request, "admin/accounts/apitoken/make.html", context | {"form": form})

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

    def _press(self, request: HttpRequest, form: ReasonForm, object_id: str, *, move: Move, done: str) -> HttpResponse:
        """One service call, its refusal shown; then the token's page again."""
        try:
            token = move(token_id=int(object_id), reason=form.cleaned_data["reason"], at=timezone.now())
        except (tokens.TokenRefused, ApiToken.DoesNotExist) as refusal:
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
