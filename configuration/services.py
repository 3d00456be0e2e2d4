"""Changing settings. Every change is a new version row and one audit event, with who, why, before and after."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from audit.context import acting
from audit.services import record
from configuration.categories import Category
from configuration.changes import FieldChange, InvalidConfiguration, apply_changes, changed_fields, check_values
from configuration.encryption import UnreadableSecret
from configuration.locks import lock_category
from configuration.models import ConfigurationVersion
from configuration.selectors import Stored, stored_category, stored_version
from configuration.snapshot import expire_snapshot
from configuration.storage import decrypt_secrets, renew_secrets, to_stored

if TYPE_CHECKING:
    from accounts.models import User

# The longest reason worth keeping; a longer one is a pasted document.
LONGEST_REASON = 500


class ConfigurationConflict(Exception):
    """Somebody changed the category since it was looked at. Nothing was saved."""

    code = "CONFIGURATION_CONFLICT"

    def __init__(self, *, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"These settings were changed meanwhile: version {found} is in force, not {expected}.")


class NothingChanged(ValueError):
    """The new values are the values in force. No version was written."""

    code = "NOTHING_CHANGED"

    def __init__(self) -> None:
        super().__init__("Nothing would change: these are the values in force.")


@dataclass(frozen=True)
class Preview:
    """What a change would do, and the version it was compared with."""

    version: int
    changes: list[FieldChange]


@dataclass(frozen=True)
class NewValues:
    """What a change leads to: the row to store, and the category it makes."""

    stored: dict[str, Any]
    values: Category


def change_category(
    category_cls: type[Category],
    *,
    changes: Mapping[str, Any],
    changed_by: "User | None",
    reason: str,
    at: datetime,
    expected_version: int | None = None,
) -> ConfigurationVersion:
    """Put `changes` (field → value, secrets in clear) over the values in force and write the next version.

    Simultaneous changes are made one after the other, each over the other's result. With `expected_version`
    (0: never changed) the second one is refused instead: ConfigurationConflict. Raises InvalidConfiguration
    with messages by field, and NothingChanged; then nothing is written. Every process obeys within 5 s.
    """
    return _write_version(
        category_cls,
        lambda stored: _changed(stored, changes),
        changed_by=changed_by,
        reason=_checked_reason(reason),
        at=at,
        expected_version=expected_version,
    )


def roll_back_category(
    category_cls: type[Category],
    *,
    version: int,
    changed_by: "User | None",
    reason: str,
    at: datetime,
    expected_version: int | None = None,
) -> ConfigurationVersion:
    """Make the values of an earlier version the next one; version 0 is the defaults.

    History is not touched. Refuses what `change_category` refuses, and raises UnknownVersion; a value
    that today's rules do not allow any more is InvalidConfiguration.
    """
    return _write_version(
        category_cls,
        lambda stored: _rolled_back(category_cls, version),
        changed_by=changed_by,
        reason=f"Rolled back to version {version}: {_checked_reason(reason)}",
        at=at,
        expected_version=expected_version,
    )


def preview_change(category_cls: type[Category], *, changes: Mapping[str, Any]) -> Preview:
    """What `change_category` would do now. Raises InvalidConfiguration and NothingChanged as it would."""
    before = stored_category(category_cls)
    return _preview(before, _changed(before, changes))


def preview_roll_back(category_cls: type[Category], *, version: int) -> Preview:
    """What `roll_back_category` would do now. Raises what it would."""
    return _preview(stored_category(category_cls), _rolled_back(category_cls, version))


def _write_version(
    category_cls: type[Category],
    compute: Callable[[Stored], NewValues],
    *,
    changed_by: "User | None",
    reason: str,
    at: datetime,
    expected_version: int | None,
) -> ConfigurationVersion:
    """Lock, look again, write, record. `compute` says what the new values are, given those in force."""
    with transaction.atomic():
        lock_category(category_cls.slug)
        before = stored_category(category_cls)
        if expected_version is not None and expected_version != before.version:
            raise ConfigurationConflict(expected=expected_version, found=before.version)
        after = compute(before)
        changes = _required_changes(before.values, after.values)
        row = ConfigurationVersion.objects.create(
            category=category_cls.slug,
            version=before.version + 1,
            values=after.stored,
            reason=reason,
            created_by=changed_by,
            created_at=at,
        )
        with _acting_as(changed_by):
            record(
                "configuration.changed",
                target=("configuration.category", category_cls.slug),
                before={change.field: change.before for change in changes},
                after={change.field: change.after for change in changes},
                reason=reason,
                at=at,
            )
        # Twice: this transaction must read its own change, and after the commit so must every other thread.
        expire_snapshot()
        transaction.on_commit(expire_snapshot)
    return row


def _changed(before: Stored, changes: Mapping[str, Any]) -> NewValues:
    after = apply_changes(before.values, changes)
    cls = type(after)
    names = {change.field for change in changed_fields(before.values, after)}
    # What did not change is carried over, secrets under today's key; one that no key reads at the moment is not lost.
    kept = {name: renew_secrets(value) for name, value in before.stored.items() if name in cls.model_fields}
    return NewValues({**kept, **to_stored(after, names)}, after)


def _rolled_back(category_cls: type[Category], version: int) -> NewValues:
    earlier = stored_version(category_cls, version=version)
    kept = {name: value for name, value in earlier.stored.items() if name in category_cls.model_fields}
    values, unreadable = {}, {}
    for name, value in kept.items():
        try:
            values[name] = decrypt_secrets(value)
        except UnreadableSecret as error:
            unreadable[name] = [f"{error}."]
    if unreadable:
        raise InvalidConfiguration(unreadable)
    return NewValues(kept, check_values(category_cls, values))


def _preview(before: Stored, after: NewValues) -> Preview:
    return Preview(before.version, _required_changes(before.values, after.values))


def _required_changes(before: Category, after: Category) -> list[FieldChange]:
    changes = changed_fields(before, after)
    if not changes:
        raise NothingChanged()
    return changes


def _checked_reason(reason: str) -> str:
    words = reason.strip()
    if not words:
        raise InvalidConfiguration({"reason": ["Say why: the reason stays in the history."]})
    if len(words) > LONGEST_REASON:
        raise InvalidConfiguration({"reason": [f"At most {LONGEST_REASON} characters."]})
    return words


def _acting_as(user: "User | None") -> AbstractContextManager[None]:
    """The event names whom the caller named; without a person, whoever acts already."""
    return acting(user_id=user.pk, label=user.get_username()) if user else nullcontext()
