"""Groups of permissions, for Super Administrators."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.admin.acting import acting_user
from accounts.services import staff
from accounts.services.authority import is_super_administrator
from audit.admin_lists import ReadOnlyAdmin

admin.site.unregister(Group)


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """Only there to be searched from a group's page."""

    search_fields = ("name", "codename", "content_type__app_label")
    ordering = ("content_type__app_label", "codename")
    list_select_related = ("content_type",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Permission]:
        return super().get_queryset(request).select_related("content_type")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Group)
class PermissionGroupAdmin(GroupAdmin, ModelAdmin):
    """A handful of rows; the permissions of a group decide what its members may do."""

    list_display = ("name",)
    search_fields = ("name",)
    # Two lists beside each other do not fit a laptop; one field to type in does.
    filter_horizontal = ()
    autocomplete_fields = ("permissions",)

    def _may(self, request: HttpRequest) -> bool:
        return is_super_administrator(acting_user(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        staff.save_group(
            group=obj,
            name=form.cleaned_data["name"],
            permissions=list(form.cleaned_data["permissions"]),
            saved_by=acting_user(request),
            at=timezone.now(),
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service has saved the permissions."""

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        staff.delete_group(group=obj, deleted_by=acting_user(request), at=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for group in queryset:
            self.delete_model(request, group)
