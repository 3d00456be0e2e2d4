"""From what a person typed to new values of a category, and the difference between two sets of values.

Nothing here reads or writes the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError

from configuration.categories import Category
from configuration.storage import MASK, is_sealed, mask, to_json

# A person must see that a secret changed, although both values look alike.
NEW_SECRET_MARK = f"{MASK} (new)"


class InvalidConfiguration(ValueError):
    """The new values cannot be used. `errors` holds messages by field."""

    code = "INVALID_CONFIGURATION"

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{name}: {' '.join(found)}" for name, found in self.errors.items()))


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, as JSON for people: secrets masked."""

    field: str
    before: Any
    after: Any


def apply_changes(category: Category, changes: Mapping[str, Any]) -> Category:
    """`category` with `changes`, checked as a person's input. Raises InvalidConfiguration.

    A secret given as its mask keeps its value, so that a form or a file may hand back what it was shown.
    """
    cls = type(category)
    unknown = sorted(changes.keys() - cls.model_fields.keys())
    if unknown:
        raise InvalidConfiguration({name: [f"{cls.title} has no such setting."] for name in unknown})
    values = {name: getattr(category, name) for name in cls.model_fields}
    for name, value in changes.items():
        values[name] = _keep_masked(value, values[name])
    sealed = [name for name in changes if _holds_sealed(values[name])]
    if sealed:
        raise InvalidConfiguration({name: ["An object of this form is kept for stored secrets."] for name in sealed})
    return check_values(cls, values)


def check_values(cls: type[Category], values: Mapping[str, Any]) -> Category:
    """A category of these values, checked as a person's input. Raises InvalidConfiguration."""
    try:
        category = cls.model_validate({name: _plain(value) for name, value in values.items()})
    except ValidationError as error:
        raise InvalidConfiguration(_messages(error)) from error
    if refused := category.refusals():
        raise InvalidConfiguration(refused)
    return category


def changed_fields(before: Category, after: Category) -> list[FieldChange]:
    """The fields that differ, in the order of the model."""
    return [
        FieldChange(name, to_json(getattr(before, name), mask), _after(getattr(before, name), getattr(after, name)))
        for name in type(after).model_fields
        if getattr(before, name) != getattr(after, name)
    ]


def _after(old: Any, new: Any) -> Any:
    """`new` as JSON for people. Of two secrets that would look alike the changed one is marked."""
    if isinstance(new, SecretStr):
        changed = isinstance(old, SecretStr) and old.get_secret_value() and new.get_secret_value() and old != new
        return NEW_SECRET_MARK if changed else mask(new.get_secret_value())
    if isinstance(new, Mapping) or hasattr(type(new), "model_fields"):
        earlier = _by_name(old)
        return {str(name): _after(earlier.get(name), item) for name, item in _by_name(new).items()}
    return to_json(new, mask)


def _by_name(value: Any) -> Mapping[Any, Any]:
    """The parts of a dictionary or a nested model; nothing of anything else."""
    if isinstance(value, Mapping):
        return value
    return {name: getattr(value, name) for name in getattr(type(value), "model_fields", {})}


def _keep_masked(value: Any, old: Any) -> Any:
    if value == MASK and isinstance(old, SecretStr):
        return old
    if isinstance(value, Mapping):
        earlier = _by_name(old)
        return {key: _keep_masked(item, earlier.get(key)) for key, item in value.items()}
    return value


def _holds_sealed(value: Any) -> bool:
    if is_sealed(value):
        return True
    if isinstance(value, Mapping):
        return any(_holds_sealed(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_sealed(item) for item in value)
    return False


def _plain(value: Any) -> Any:
    """A nested model as its fields, so that it is checked again; secrets stay wrapped."""
    return value.model_dump() if hasattr(type(value), "model_fields") else value


def _messages(error: ValidationError) -> dict[str, list[str]]:
    """Pydantic's errors by field, in sentences."""
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        name, *inside = [str(part) for part in item["loc"]] or ["__all__"]
        text = item["msg"].removeprefix("Value error, ")
        text = text[:1].upper() + text[1:] + "."
        found.setdefault(name, []).append(f"{_place(inside)}: {text}" if inside else text)
    return found


def _place(inside: list[str]) -> str:
    """Where in a setting the trouble is: `Row 3, score from` in a list of groups, else its keys with points between."""
    number, *names = inside
    if number.isdecimal() and names:
        return f"Row {int(number) + 1}, {'.'.join(names).replace('_', ' ')}"
    return ".".join(inside)
