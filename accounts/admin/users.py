"""People in the back office: customers and staff in one list."""

from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from accounts.admin.acting import acting_user
from accounts.admin.forms import PasswordSettingForm, PersonChangeForm, StaffCreationForm
from accounts.models import User
from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from accounts.services import staff
from accounts.services.authority import is_super_administrator
from audit.admin_lists import DayRangeFilter, UncountedAdmin, day, unbroken

# Shorter parts have no trigram and would read the whole table.
SHORTEST_PART = 3


class KindFilter(DropdownFilter):
    """Customers or staff."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("staff", "Staff"), ("customers", "Customers"), ("off", "Switched off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        narrowed = {
            "staff": queryset.filter(is_staff=True),
            "customers": queryset.filter(phone__isnull=False),
            "off": queryset.filter(is_active=False),
        }
        return narrowed.get(self.value() or "", queryset)


@admin.register(User)
class PersonAdmin(UserAdmin, UncountedAdmin):  # type: ignore[misc]
    """Adding makes staff; customers register themselves by dialling. Nobody is ever deleted, only switched off."""

    form = PersonChangeForm
    add_form = StaffCreationForm
    change_password_form = PasswordSettingForm
    list_display = ("name", "phone", "email", "kind", "language", "network_name", "since")
    list_display_links = ("name", "phone", "email")
    list_filter = (KindFilter, ("language", ChoicesDropdownFilter), ("created_at", DayRangeFilter))
    search_fields = ("phone", "email", "first_name", "last_name")
    search_help_text = "A phone number in any form, or at least three characters of a number, address or name"
    ordering = ("-created_at", "-id")
    filter_horizontal = ()
    autocomplete_fields = ("groups",)
    actions = None
    readonly_fields = ("phone", "network", "last_login", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("phone", "network"), ("email", "language"))}),
        ("Access", {"fields": (("is_active", "is_staff"), ("is_superuser", "is_verified"), "groups", "password")}),
        ("Dates", {"fields": (("created_at", "updated_at"), "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", ("first_name", "last_name"), "is_superuser")}),
        ("Password", {"fields": ("usable_password", "password1", "password2")}),
    )

    @display(description="Name", empty_value="-")
    def name(self, user: User) -> str:
        return f"{user.first_name} {user.last_name}".strip() or "-"

    @display(
        description="Kind",
        label={"Staff": "info", "Super Administrator": "warning", "Switched off": "danger"},
    )
    def kind(self, user: User) -> str:
        if not user.is_active:
            return "Switched off"
        if user.is_superuser:
            return "Super Administrator"
        return "Staff" if user.is_staff else "Customer"

    @display(description="Network", empty_value="-")
    def network_name(self, user: User) -> SafeString:
        return unbroken(user.network)

    @display(description="Since")
    def since(self, user: User) -> SafeString:
        return day(user.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """A whole number in any form first; else parts of words, which have a trigram index."""
        term = search_term.strip()
        try:
            return queryset.filter(phone=parse_phone(term, any_country=True)), False
        except InvalidPhoneNumber:
            pass
        if term and any(len(part) < SHORTEST_PART for part in term.split()):
            messages.info(request, f"Search for at least {SHORTEST_PART} characters.")
            return queryset.none(), False
        return super().get_search_results(request, queryset, term)

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None:
            form.acting_user = acting_user(request)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only a Super Administrator sees powers as something to change."""
        if obj is not None and not is_super_administrator(acting_user(request)):
            return (*self.readonly_fields, *staff.POWERS)
        return self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_super_administrator(acting_user(request))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not is_super_administrator(acting_user(request)):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Django's page, on a copy of this admin whose form knows who asks."""
        page: Any = copy(self)
        page.change_password_form = type("Form", (PasswordSettingForm,), {"acting_user": acting_user(request)})
        return super(PersonAdmin, page).user_change_password(request, id, form_url)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> User:
        """The form is valid and there are no inline ones: the service saves everything at once."""
        wanted = form.cleaned_data
        if change:
            return staff.change_user(
                user_id=form.instance.pk, changes=form.changes(), changed_by=acting_user(request), at=timezone.now()
            )
        return staff.create_staff(
            email=wanted["email"],
            password=wanted["password1"] if wanted["set_usable_password"] else None,
            first_name=wanted["first_name"],
            last_name=wanted["last_name"],
            is_superuser=wanted["is_superuser"],
            created_by=acting_user(request),
            at=timezone.now(),
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """The service has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has saved its groups."""
