"""A setting that is a list of equal rows, as a table of inputs: emptying a row removes it, blank rows take new ones."""

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from django import forms
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from unfold.widgets import BASE_INPUT_CLASSES

from configuration.admin.showing import label_of

# Blank rows at the end of a table.
SPARE_ROWS = 2


def row_model(annotation: Any) -> type[BaseModel] | None:
    """The model of the rows when the setting is a list or tuple of flat models of numbers and words; else None."""
    if get_origin(annotation) not in (list, tuple):
        return None
    model = get_args(annotation)[0]
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    flat = all(_is_plain(info.annotation) for info in model.model_fields.values())
    return model if flat else None


class TableWidget(forms.Widget):
    """One row of inputs for each row of the setting. Inputs are called `<setting>-<row>-<column>`."""

    template_name = "configuration/table.html"

    def __init__(self, model: type[BaseModel]) -> None:
        self.columns = {name: label_of(name, info) for name, info in model.model_fields.items()}
        super().__init__()

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Everything the template shows: the rows there are, then blank ones."""
        context = super().get_context(name, value, attrs)
        rows: list[Mapping[str, Any]] = [*(value or ()), *({} for _ in range(SPARE_ROWS))]
        context["columns"] = self.columns.values()
        context["input_classes"] = " ".join(BASE_INPUT_CLASSES)
        context["rows"] = [
            [
                {
                    "name": f"{name}-{number}-{column}",
                    "label": f"{label}, row {number + 1}",
                    "value": "" if row.get(column) is None else row[column],
                }
                for column, label in self.columns.items()
            ]
            for number, row in enumerate(rows)
        ]
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, str]]:
        """The rows as typed, without the blank ones; those left out in between are closed up."""
        found = []
        number = 0
        while any(f"{name}-{number}-{column}" in data for column in self.columns):
            row = {column: str(data.get(f"{name}-{number}-{column}", "")).strip() for column in self.columns}
            if any(row.values()):
                found.append(row)
            number += 1
        return found

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """A table without rows is a value."""
        return False

    def id_for_label(self, id_: str) -> str:
        """The table has many inputs, each with its own label."""
        return ""


class TableField(forms.Field):
    """Gives the rows as the category takes them: a blank cell is no value where there may be none."""

    def __init__(self, *, model: type[BaseModel], **options: Any) -> None:
        self.model = model
        super().__init__(widget=TableWidget(model), **options)

    def clean(self, value: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
        """Refuses blank cells that must be filled, saying which; what is typed in others is the category's to judge."""
        missing = [
            f"Row {number}, {name.replace('_', ' ')}: this is missing."
            for number, row in enumerate(value, start=1)
            for name, info in self.model.model_fields.items()
            if not row[name] and not _accepts_none(info)
        ]
        if missing:
            raise forms.ValidationError(missing)
        return [{name: typed or None for name, typed in row.items()} for row in value]


def _is_plain(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_plain(kind) for kind in get_args(annotation))
    return isinstance(annotation, type) and get_origin(annotation) is None and not issubclass(annotation, BaseModel)


def _accepts_none(info: FieldInfo) -> bool:
    return NoneType in get_args(info.annotation)
