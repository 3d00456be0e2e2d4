"""A setting that is a list of groups is a table of inputs; what is wrong is said with its row and column."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest
from django.test import Client
from django.urls import reverse
from pydantic import BaseModel, Field, SecretStr

from accounts.models import User
from configuration.admin.forms import CategoryForm
from configuration.admin.showing import text_of
from configuration.admin.tables import SPARE_ROWS, row_model
from configuration.categories import Category
from configuration.models import ConfigurationVersion
from tests.configuration.categories import registered
from tests.configuration.test_admin_forms import as_browser_sends


class Shelf(BaseModel):
    """A row."""

    label: str
    price_from: int = Field(ge=0)
    price_to: Annotated[int, Field(ge=0)] | None = None


class Deep(BaseModel):
    """Not a row: it holds another group."""

    shelf: Shelf


class Shelves(Category):
    """Shelves of a shop."""

    slug: ClassVar[str] = "shelves"
    title: ClassVar[str] = "Shelves"

    shelves: tuple[Shelf, ...] = Field(
        (Shelf(label="low", price_from=0, price_to=9), Shelf(label="high", price_from=10)),
        max_length=3,
        description="By price",
    )

    def refusals(self) -> dict[str, list[str]]:
        return {} if self.shelves else {"shelves": ["There must be a shelf."]}


@pytest.fixture(autouse=True)
def _shelves() -> Iterator[None]:
    with registered(Shelves):
        yield


def typed(**changes: str) -> dict[str, str]:
    """The form as a browser sends it, with some cells changed: `r0_label="x"`."""
    cells = {f"shelves-{name[1]}-{name[3:]}": value for name, value in changes.items()}
    return as_browser_sends(CategoryForm(Shelves())) | cells


def changed(**changes: str) -> Any:
    form = CategoryForm(Shelves(), typed(**changes))
    assert form.is_valid(), form.errors
    return form.changes()["shelves"]


def test_only_lists_of_flat_groups_are_tables() -> None:
    assert row_model(tuple[Shelf, ...]) is Shelf
    assert row_model(list[Shelf]) is Shelf
    for other in (tuple[int, ...], list[str], dict[str, Shelf], Shelf, tuple[Deep, ...], SecretStr, int):
        assert row_model(other) is None


def test_table_has_a_row_for_each_and_blank_ones() -> None:
    sent = typed()
    assert len(sent) == 3 * (2 + SPARE_ROWS)
    assert [sent[f"shelves-1-{column}"] for column in Shelf.model_fields] == ["high", "10", ""]
    assert sent["shelves-2-label"] == ""


def test_blank_row_takes_a_new_one_and_an_emptied_row_goes() -> None:
    assert changed(r2_label=" top ", r2_price_from="50") == [
        {"label": "low", "price_from": "0", "price_to": "9"},
        {"label": "high", "price_from": "10", "price_to": None},
        {"label": "top", "price_from": "50", "price_to": None},
    ]
    assert changed(r0_label="", r0_price_from="", r0_price_to="") == [
        {"label": "high", "price_from": "10", "price_to": None}
    ]


def test_missing_cell_is_named() -> None:
    form = CategoryForm(Shelves(), typed(r1_price_from=" "))
    assert not form.is_valid()
    assert form.errors["shelves"] == ["Row 2, price from: this is missing."]


def test_cells_are_escaped() -> None:
    form = CategoryForm(Shelves(), typed(r1_label='"><script>'))
    assert "<script>" not in str(form["shelves"])


def test_rows_are_shown_one_to_a_line() -> None:
    assert text_of([{"price_from": 0, "price_to": None}, {"price_from": 5, "price_to": 9}]) == (
        "price from 0, price to –\nprice from 5, price to 9"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r1_price_from": "ten"}, "Row 2, price from: Input should be a valid integer"),
        ({"r1_price_from": "-1"}, "Row 2, price from: Input should be greater than or equal to 0."),
        ({"r1_price_from": ""}, "Row 2, price from: this is missing."),
        (
            dict.fromkeys(("r0_label", "r0_price_from", "r0_price_to", "r1_label", "r1_price_from"), ""),
            "must be a shelf.",
        ),
        ({f"r{row}_{column}": "1" for row in (2, 3) for column in ("label", "price_from")}, "at most 3 items"),
    ],
)
def test_mistake_is_told_at_its_field_with_what_was_typed_and_nothing_is_saved(
    client: Client, changes: dict[str, str], message: str
) -> None:
    client.force_login(User.objects.create_superuser(email="boss@example.com", password="x"))

    response = client.post(
        reverse("admin:configuration_preview", args=["shelves"]), typed(**changes) | {"version": "0"}
    )

    page = response.content.decode()
    assert message in page
    assert "sealed" not in page
    for name, value in changes.items():
        if value:
            assert re.search(rf'name="shelves-{name[1]}-{name[3:]}" value="{value}"', page)
    assert not ConfigurationVersion.objects.exists()
