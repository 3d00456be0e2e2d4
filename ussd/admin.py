"""Back office of USSD: gateways, changed through services; the logs, read only."""

import json
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.forms import CharField, ModelForm, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from ussd.models import Gateway, SessionEvent, TurnRecord
from ussd.registry import journey_names
from ussd.services.gateways import (
    CHANGEABLE,
    GatewayRefused,
    change_gateway,
    check_values,
    create_gateway,
    rotate_secret,
)


class GatewayForm(ModelForm):
    """Says what the service would refuse, beside the field."""

    allowed_ips = CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=Gateway._meta.get_field("allowed_ips").help_text,
    )
    service_codes = CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))

    class Meta:
        model = Gateway
        fields = ("slug", "name", "kind", "service_codes", "allowed_ips", "region", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "service_codes"
        ].help_text = f"{Gateway._meta.get_field('service_codes').help_text}. Journeys: {', '.join(journey_names())}"
        if self.instance.pk:
            self.initial["allowed_ips"] = ", ".join(self.instance.allowed_ips)
            self.initial["service_codes"] = json.dumps(self.instance.service_codes, indent=2)

    def clean_allowed_ips(self) -> list[str]:
        """A list."""
        return [part.strip() for part in self.cleaned_data["allowed_ips"].split(",") if part.strip()]

    def clean_service_codes(self) -> Any:
        """What the JSON means."""
        try:
            return json.loads(self.cleaned_data["service_codes"])
        except ValueError as error:
            raise ValidationError('Write JSON such as {"*384*1234#": "promo"}.') from error

    def clean(self) -> dict[str, Any]:
        """The service's own checks."""
        values = super().clean() or self.cleaned_data
        try:
            check_values({name: values[name] for name in CHANGEABLE if name in values})
        except GatewayRefused as refusal:
            for field, message in refusal.messages.items():
                self.add_error(field, message)
        return values


@admin.register(Gateway)
class GatewayAdmin(ModelAdmin):
    """The secret is never shown again; a new one can be made."""

    form = GatewayForm
    list_display = ("slug", "name", "kind", "codes", "region", "is_active", "updated_at")
    list_filter = ("kind", "is_active")
    search_fields = ("slug", "name")
    actions_detail = ("make_new_secret",)
    ordering = ("slug",)

    def get_readonly_fields(self, request: HttpRequest, obj: Gateway | None = None) -> tuple[str, ...]:
        """Name on the wire and wire format stay what they are."""
        return ("slug", "kind", "created_at", "updated_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Gateway | None = None) -> bool:
        """Its turns name it; it can be switched off."""
        return False

    @admin.display(description="Service codes")
    def codes(self, gateway: Gateway) -> str:
        """Which code opens which journey."""
        return ", ".join(f"{code} {journey}" for code, journey in gateway.service_codes.items())

    def save_model(self, request: HttpRequest, obj: Gateway, form: GatewayForm, change: bool) -> None:
        """Through the services, which record who did it."""
        at = timezone.now()
        values = {name: form.cleaned_data[name] for name in CHANGEABLE}
        if change:
            change_gateway(gateway_id=obj.pk, changes=values, at=at)
            return
        is_active = values.pop("is_active")
        made, secret = create_gateway(slug=obj.slug, kind=obj.kind, at=at, **values)
        if not is_active:
            made = change_gateway(gateway_id=made.pk, changes={"is_active": False}, at=at)
        # The admin goes on with the object it was given.
        obj.__dict__.update({key: value for key, value in made.__dict__.items() if key != "_state"})
        obj._state.adding = False
        self._show_address(request, made, secret)

    @action(description="Make a new secret", url_path="new-secret", permissions=["change"])
    def make_new_secret(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Asks first, and acts only on the form's answer: a link alone must not cut a gateway off."""
        gateway = get_object_or_404(Gateway, pk=object_id)
        if request.method != "POST":
            context = {**self.admin_site.each_context(request), "gateway": gateway, "title": "New secret"}
            return render(request, "ussd/admin/confirm_new_secret.html", context)
        self._show_address(request, gateway, rotate_secret(gateway_id=gateway.pk, at=timezone.now()))
        return HttpResponseRedirect(reverse("admin:ussd_gateway_change", args=[gateway.pk]))

    def _show_address(self, request: HttpRequest, gateway: Gateway, secret: str) -> None:
        path = reverse("ussd-handle-secret", args=[gateway.slug, secret])
        address = request.build_absolute_uri(path)
        messages.warning(request, f"Address for {gateway.slug}, shown this once: {address}")


class LogAdmin(ModelAdmin):
    """Rows that only a task writes: no counting, no changing."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Whole values only, so that the index answers however long the table is."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        return queryset.filter(reduce(or_, (Q(**{field: wanted}) for field in self.search_fields))), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Written by the engine only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False


@admin.register(TurnRecord)
class TurnRecordAdmin(LogAdmin):
    """Every turn as it was answered."""

    list_display = (
        "at",
        "phone",
        "journey",
        "screen",
        "input",
        "reply",
        "outcome",
        "ends",
        "took_ms",
        "gateway",
        "session_id",
    )
    list_filter = ("ends",)
    search_fields = ("phone", "session_id")
    search_help_text = "A whole phone number with its plus, or a whole session id"


@admin.register(SessionEvent)
class SessionEventAdmin(LogAdmin):
    """What Africa's Talking told of ended sessions."""

    list_display = ("at", "session_id", "phone", "service_code", "status", "duration_ms", "hops", "error_message")
    search_fields = ("session_id",)
    search_help_text = "A whole session id"
