"""The audit trail in the back office: to read, filter and search, never to change."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.decorators import display

from audit.admin_lists import DayRangeFilter, ReadOnlyAdmin, moment
from audit.canonical import row_hash
from audit.models import AuditEvent
from audit.registry import registered_actions
from audit.selectors import target_types

_TABLE = """
<table class="w-full">
  <thead><tr>
    <th class="px-3 py-2 text-left">Field</th>
    <th class="px-3 py-2 text-left">Before</th>
    <th class="px-3 py-2 text-left">After</th>
  </tr></thead>
  <tbody>{}</tbody>
</table>
"""
_ROW = """
<tr class="border-t border-base-200 dark:border-base-800">
  <th class="font-medium px-3 py-2 text-left">{}</th>
  <td class="px-3 py-2" style="overflow-wrap: anywhere">{}</td>
  <td class="px-3 py-2" style="overflow-wrap: anywhere">{}</td>
</tr>
"""


class ActionFilter(DropdownFilter):
    """By what was done."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in registered_actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class TargetTypeFilter(DropdownFilter):
    """By what it was done to."""

    title = "target"
    parameter_name = "target_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in target_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(target_type=self.value()) if self.value() else queryset


class ActorFilter(TextFilter):
    """By who did it, the whole name as the trail shows it: an e-mail address, `task:…`, `token:…`, `system`."""

    title = "actor"
    parameter_name = "actor"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(actor_label=self.value().strip()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Newest first. The search takes the whole id of a target and shows its life."""

    list_display = ("when", "action", "target", "actor", "address", "reason_start")
    list_display_links = ("when", "action")
    list_filter = (ActionFilter, TargetTypeFilter, ActorFilter, ("at", DayRangeFilter))
    search_fields = ("target_id",)
    search_help_text = "The whole id of what it was done to"
    fieldsets = (
        (None, {"fields": (("at", "action"), "words", ("target_type", "target_id"), "reason")}),
        ("Who", {"fields": (("actor_label", "actor_id"), ("ip", "request_id"))}),
        ("What changed", {"fields": ("changes",)}),
        ("Integrity", {"fields": (("id", "uid"), "hash", "is_intact")}),
    )
    readonly_fields = ("words", "changes", "hash", "is_intact")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Whole ids only: they have an index, parts of them have none."""
        term = search_term.strip()
        return (queryset.filter(target_id=term) if term else queryset), False

    @display(description="Time (UTC)")
    def when(self, event: AuditEvent) -> SafeString:
        return moment(event.at)

    @display(description="Actor")
    def actor(self, event: AuditEvent) -> str:
        return event.actor_label

    @display(description="IP address", empty_value="-")
    def address(self, event: AuditEvent) -> str | None:
        return event.ip

    @display(description="Target")
    def target(self, event: AuditEvent) -> str:
        return f"{event.target_type} {event.target_id}"

    @display(description="Reason")
    def reason_start(self, event: AuditEvent) -> str:
        return Truncator(event.reason).chars(60) or "-"

    @display(description="In words")
    def words(self, event: AuditEvent) -> str:
        return registered_actions().get(event.action, event.action)

    @display(description="Fields")
    def changes(self, event: AuditEvent) -> SafeString | str:
        names = sorted({*event.before, *event.after})
        if not names:
            return "-"
        rows = format_html_join(
            "", _ROW, ((name, _shown(event.before, name), _shown(event.after, name)) for name in names)
        )
        return format_html(_TABLE, rows)

    @display(description="Hash")
    def hash(self, event: AuditEvent) -> SafeString:
        return format_html('<span style="overflow-wrap: anywhere">{}</span>', event.integrity_hash)

    @display(description="Hash matches", boolean=True)
    def is_intact(self, event: AuditEvent) -> bool:
        return row_hash(event) == event.integrity_hash


def _shown(values: dict[str, Any], name: str) -> str:
    if name not in values:
        return "–"
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
