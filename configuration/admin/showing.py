"""Values of settings as text in pages."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from configuration.categories import Category
from configuration.changes import FieldChange

_SPELLINGS = {"api": "API", "id": "ID", "url": "URL", "sms": "SMS", "ussd": "USSD", "mtn": "MTN", "momo": "MoMo"}


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


def label_of(name: str, info: FieldInfo) -> str:
    """The model's title, else the name in words."""
    if info.title:
        return info.title
    words = [_SPELLINGS.get(word, word) for word in name.split("_")]
    return words[0][:1].upper() + " ".join(words)[1:]


def text_of(value: Any) -> str:
    """A value (JSON for people) as text; empty text and no value show as a dash."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value or "–"
    if value is None:
        return "–"
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return "\n".join(_row_text(row) for row in value)
    return json_text(value)


def _row_text(row: dict[str, Any]) -> str:
    """A row of a table on one line: `score from 0, score to 299, amount 5000`."""
    return ", ".join(f"{name.replace('_', ' ')} {text_of(item)}" for name, item in row.items())


def json_text(value: Any, *, indent: str = "") -> str:
    """JSON for people: a dictionary over several lines, a list in one."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    lines = [f"{inner}{json.dumps(name)}: {json_text(item, indent=inner)}" for name, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
