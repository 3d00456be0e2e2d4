"""A form made from a category: its fields, help and limits; pydantic alone says what is valid."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from django import forms
from django.utils.html import escape
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from configuration.admin.showing import json_text, label_of
from configuration.admin.tables import TableField, row_model
from configuration.categories import Category
from configuration.changes import InvalidConfiguration
from configuration.storage import to_shown

CLEAR_PREFIX = "clear__"
# Text fields that may be longer than this get a text area.
ONE_LINE = 250


class CategoryForm(forms.Form):
    """The settings of one category. `changes` gives what was typed, for the service to check.

    A secret is never shown; left blank it stays, and a box beside it empties it.
    """

    def __init__(self, category: Category, data: Mapping[str, Any] | None = None) -> None:
        self.category = category
        super().__init__(data)
        shown = to_shown(category)
        for name, info in type(category).model_fields.items():
            self.fields[name] = form_field(name, info, shown[name])
            if is_secret(info) and shown[name]:
                self.fields[CLEAR_PREFIX + name] = forms.BooleanField(
                    required=False, label=f"Empty {label_of(name, info)}", widget=UnfoldBooleanSwitchWidget()
                )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each setting with the box that empties it, if any, and whether it needs the width of the page."""
        for name in type(self.category).model_fields:
            clear = self[CLEAR_PREFIX + name] if CLEAR_PREFIX + name in self.fields else None
            wide = isinstance(self.fields[name], JsonField) and self.fields[name].initial.startswith("{")
            yield {"field": self[name], "clear": clear, "wide": wide}

    def changes(self) -> dict[str, Any]:
        """Every setting as typed, without those that could not be read; a secret only when typed or emptied.

        Call after `is_valid`.
        """
        found: dict[str, Any] = {}
        for name, info in type(self.category).model_fields.items():
            if name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if not is_secret(info):
                found[name] = None if value == "" and accepts_none(info) else value
            elif value:
                found[name] = value
            elif self.cleaned_data.get(CLEAR_PREFIX + name):
                found[name] = ""
        return found

    def show_refusal(self, refusal: InvalidConfiguration) -> None:
        """Put the messages of a refused change beside their fields."""
        for name, messages in refusal.errors.items():
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class JsonField(forms.CharField):
    """A list, a dictionary or a nested group as JSON text."""

    def to_python(self, value: Any) -> Any:
        """The parsed value. Refuses what is not JSON, saying where."""
        text = super().to_python(value)
        try:
            return json.loads(text or "")
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"This is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            ) from error

    def validate(self, value: Any) -> None:
        """An empty list is a value; whether it is allowed is for the category to say."""


def form_field(name: str, info: FieldInfo, shown: Any) -> forms.Field:
    """The form field of one setting; `shown` is its value as JSON for people."""
    common: dict[str, Any] = {
        "label": label_of(name, info),
        "help_text": escape(info.description or ""),
        "required": False,
        "initial": "" if shown is None else shown,
    }
    kind = bare_type(info)
    if kind is bool:
        return forms.BooleanField(**common, widget=UnfoldBooleanSwitchWidget())
    if kind is SecretStr:
        hint = "Set. Leave blank to keep it" if shown else "Not set"
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "placeholder": hint})
        return forms.CharField(**(common | {"initial": ""}), widget=widget)
    if choices := choices_of(kind):
        pairs = [(choice, choice) for choice in choices]
        blank = [("", "-")] if accepts_none(info) else []
        return forms.ChoiceField(**common, choices=blank + pairs, widget=UnfoldAdminSelectWidget())
    if kind in (int, float, Decimal):
        widget = UnfoldAdminIntegerFieldWidget(attrs=number_attributes(info, whole=kind is int))
        return forms.CharField(**common, widget=widget)
    if model := row_model(kind):
        return TableField(model=model, **(common | {"initial": shown}))
    if isinstance(shown, (list, dict)):
        text = json_text(shown)
        widget = UnfoldAdminTextareaWidget(attrs={"rows": min(20, max(2, text.count("\n") + 1)), "spellcheck": "false"})
        return JsonField(**(common | {"initial": text}), widget=widget)
    if longest(info) > ONE_LINE:
        return forms.CharField(**common, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))
    return forms.CharField(**common, widget=UnfoldAdminTextInputWidget())


def is_secret(info: FieldInfo) -> bool:
    """Whether the setting itself is a secret."""
    return bare_type(info) is SecretStr


def accepts_none(info: FieldInfo) -> bool:
    """Whether the setting may be empty."""
    return NoneType in get_args(info.annotation)


def bare_type(info: FieldInfo) -> Any:
    """The type without `| None`."""
    annotation = info.annotation
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def choices_of(kind: Any) -> list[str]:
    """The words of a Literal or an Enum; none for other types."""
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return []


def number_attributes(info: FieldInfo, *, whole: bool) -> dict[str, Any]:
    """Limits that the browser shows; the category checks them again."""
    attributes: dict[str, Any] = {"step": 1 if whole else "any"}
    for limit in info.metadata:
        if isinstance(limit, Ge):
            attributes["min"] = limit.ge
        elif isinstance(limit, Gt):
            attributes["min"] = limit.gt
        elif isinstance(limit, Le):
            attributes["max"] = limit.le
        elif isinstance(limit, Lt):
            attributes["max"] = limit.lt
    return attributes


def longest(info: FieldInfo) -> int:
    """The most characters a text may have; 0 when the model does not say."""
    return max((limit.max_length for limit in info.metadata if isinstance(limit, MaxLen)), default=0)
