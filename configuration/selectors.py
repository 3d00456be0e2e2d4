"""Reading settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from configuration.categories import Category
from configuration.changes import FieldChange, changed_fields
from configuration.models import ConfigurationVersion
from configuration.snapshot import UNREAD, known_category
from configuration.storage import from_stored

CategoryT = TypeVar("CategoryT", bound=Category)


class UnknownVersion(LookupError):
    """The category has no such version."""

    code = "UNKNOWN_VERSION"


class SettingsUnknown(RuntimeError):
    """What staff have set is not known to this process, and defaults are no answer. It passes, or staff must look."""

    code = "SETTINGS_UNKNOWN"


@dataclass(frozen=True)
class Stored:
    """A version as the database has it. Version 0 is the defaults, with no row."""

    version: int
    stored: dict[str, Any]
    values: Category


@dataclass(frozen=True)
class HistoryEntry:
    """One version for people: what it changed against the one before."""

    version: int
    at: datetime
    by: str
    reason: str
    changes: list[FieldChange]


def current(category: type[CategoryT]) -> CategoryT:
    """The settings in force, at most 5 s old across processes; frozen, so safe to hand around.

    Costs a dictionary look-up, and one SELECT per process every 3 s for all categories together. Never raises:
    while PostgreSQL is away it gives the last known values, else the defaults.
    """
    return cast(CategoryT, known_category(category).values)


def current_or_raise(category: type[CategoryT]) -> CategoryT:
    """`current` for those who promise money by it: its limits are never defaults in place of what staff have set.

    Raises SettingsUnknown when this process has not read them yet, or cannot read them and never could. While
    PostgreSQL is away it gives the last known values.
    """
    return current_with_version(category)[0]


def current_with_version(category: type[CategoryT]) -> tuple[CategoryT, int]:
    """As `current_or_raise`, with the version these very values have, for decisions that are explained later.

    Version 0: never changed. Raises SettingsUnknown.
    """
    known = known_category(category)
    if not known.is_certain:
        raise SettingsUnknown(f"The settings {category.title!r} are not known at the moment.")
    return cast(CategoryT, known.values), known.version


def was_read(category: type[Category]) -> bool:
    """Whether this process has read what staff have set, at any time since its start: else `current` gives defaults."""
    return known_category(category).row_id != UNREAD


def stored_category(category: type[Category]) -> Stored:
    """The version in force, from the database and not from this process's memory."""
    row = _versions(category).first()
    return _as_stored(category, row)


def stored_version(category: type[Category], *, version: int) -> Stored:
    """One version of the past; 0 is the defaults. Raises UnknownVersion."""
    if version == 0:
        return _as_stored(category, None)
    row = _versions(category).filter(version=version).first()
    if row is None:
        raise UnknownVersion(f"{category.title} has no version {version}.")
    return _as_stored(category, row)


def newest_versions() -> dict[str, ConfigurationVersion]:
    """The row in force of every category that was ever changed, by slug."""
    newest = ConfigurationVersion.objects.order_by("category", "-version").distinct("category")
    return {row.category: row for row in newest.select_related("created_by")}


def category_history(category: type[Category], *, limit: int, before: int | None = None) -> list[HistoryEntry]:
    """Versions below `before` (all when None), newest first, at most `limit`."""
    rows = _versions(category).select_related("created_by")
    if before is not None:
        rows = rows.filter(version__lt=before)
    # One more than shown: the last one shown is compared with it.
    found = list(rows[: limit + 1])
    return [_entry(category, found, position) for position in range(min(limit, len(found)))]


def _versions(category: type[Category]) -> Any:
    return ConfigurationVersion.objects.filter(category=category.slug).order_by("-version")


def _as_stored(category: type[Category], row: ConfigurationVersion | None) -> Stored:
    if row is None:
        return Stored(0, {}, category())
    return Stored(row.version, row.values, from_stored(category, row.values))


def _entry(category: type[Category], rows: Sequence[ConfigurationVersion], position: int) -> HistoryEntry:
    row = rows[position]
    earlier = rows[position + 1].values if position + 1 < len(rows) else {}
    return HistoryEntry(
        version=row.version,
        at=row.created_at,
        by=str(row.created_by) if row.created_by else "command line",
        reason=row.reason,
        changes=changed_fields(from_stored(category, earlier), from_stored(category, row.values)),
    )
