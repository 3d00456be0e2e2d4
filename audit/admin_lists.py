"""Admin lists that stay quick at a million rows; every app's admin may use them.

The admin counts the whole table for each page, twice. At a million rows that is most of a second.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from django.contrib.admin import ShowFacets
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.paginator import InfinitePaginator

RowT = TypeVar("RowT", bound=Model)


class UncountedAdmin(ModelAdmin):
    """A list with previous and next instead of a count, in the order of the model's index only."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    # Sorting by a column without an index would read and sort the whole table.
    sortable_by = ()
    list_filter_submit = True
    # Facets count the table once for each choice of each filter.
    show_facets = ShowFacets.NEVER


class ReadOnlyAdmin(UncountedAdmin):
    """Rows that people may look at and nobody may change here."""

    actions: Sequence[str] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class DayRangeFilter(RangeDateFilter):
    """From one day to another, both whole, in UTC. A day that is none is passed over."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._day(edge) for edge in ("from", "to"))
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": _midnight(first)})
        if last and last < date.max:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": _midnight(last) + timedelta(days=1)})
        return queryset

    def _day(self, edge: str) -> date | None:
        try:
            return date.fromisoformat(self.used_parameters.get(f"{self.parameter_name}_{edge}") or "")
        except ValueError:
            return None


def row_named(model: type[RowT], object_id: str) -> QuerySet[RowT]:
    """The row that an address of the admin names; none for what can name no row."""
    try:
        return model._default_manager.filter(pk=object_id)
    except (ValidationError, ValueError):
        return model._default_manager.none()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def moment(at: datetime | None) -> SafeString:
    """A time for a narrow column: UTC, to the second, on one line."""
    return unbroken(at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "-")


def day(at: datetime | None) -> SafeString:
    """A day (UTC) for a narrow column."""
    return unbroken(at.astimezone(UTC).strftime("%Y-%m-%d") if at else "-")


def unbroken(text: str) -> SafeString:
    """Short text that a narrow column must not break."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text or "-")
