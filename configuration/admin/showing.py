"""Values of settings as text in pages."""

import json
from dataclasses import dataclass
from typing import Any

from configuration.admin.forms import label_of
from configuration.categories import Category
from configuration.changes import FieldChange


@dataclass(frozen=True)
class ShownChange:
    """One changed setting, ready to print."""

    label: str
    before: str
    after: str


def shown_change(category: type[Category], change: FieldChange) -> ShownChange:
    """A change with the setting's label, and its values as text."""
    label = label_of(change.field, category.model_fields[change.field])
    return ShownChange(label, text_of(change.before), text_of(change.after))


def text_of(value: Any) -> str:
    """A value (JSON for people) as text; empty text and no value show as a dash."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value or "–"
    if value is None:
        return "–"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return json.dumps(value, ensure_ascii=False)
