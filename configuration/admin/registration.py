"""Where the pages hang in the admin, and who may open them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from configuration.admin.pages import CategoryPages
from configuration.models import ConfigurationVersion


@admin.register(ConfigurationVersion)
class ConfigurationVersionAdmin(ModelAdmin):
    """Versions are written by services only, so the model's own add, change and delete pages are closed.

    Looking needs the view or change permission of the model, changing the change permission.
    """

    def get_urls(self) -> list[URLPattern]:
        """The pages of one category, before the model's own."""
        pages = CategoryPages(self)
        view = self.admin_site.admin_view
        return [
            path("<slug:slug>/", view(pages.show), name="configuration_category"),
            path("<slug:slug>/preview/", view(pages.preview), name="configuration_preview"),
            path("<slug:slug>/save/", view(pages.save), name="configuration_save"),
            path("<slug:slug>/history/", view(pages.history), name="configuration_history"),
            path("<slug:slug>/roll-back/<int:version>/", view(pages.roll_back), name="configuration_roll_back"),
            path("", view(pages.index), name="configuration_configurationversion_changelist"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list of categories takes the place of a list of rows."""
        return CategoryPages(self).index(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are added by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History stays."""
        return False
