"""Which categories may exist."""

from typing import ClassVar

import pytest
from pydantic import BaseModel, Field, SecretStr

from configuration.categories import Category
from configuration.registry import (
    CategoryRefused,
    UnknownCategory,
    all_categories,
    category_by_slug,
    register_category,
)
from tests.configuration.categories import Shop


class Keyring(BaseModel):
    key: SecretStr = SecretStr("")


def make_category(*, slug: str = "kiosk", title: str = "Kiosk", annotation: object = int, **field: object) -> type:
    return type(
        "Kiosk",
        (Category,),
        {
            "__module__": __name__,
            "__annotations__": {"slug": ClassVar[str], "title": ClassVar[str], "size": annotation},
            "slug": slug,
            "title": title,
            "size": Field(**({"default": 1, "description": "How big"} | field)),
        },
    )


def test_category_is_found_by_its_slug():
    assert category_by_slug("shop") is Shop
    assert Shop in all_categories()


def test_slug_of_another_category_is_refused():
    with pytest.raises(CategoryRefused, match="'shop' already belongs to Shop"):
        register_category(make_category(slug="shop"))

    assert category_by_slug("shop") is Shop


@pytest.mark.parametrize(
    ("category", "words"),
    [
        (make_category(slug="No Good"), "needs a slug"),
        (make_category(title=""), "needs a title"),
        (make_category(description=None), "size needs a description"),
        (make_category(default=...), "size needs a default"),
        (make_category(annotation=list[SecretStr], default=[]), "no list can hold them"),
        (make_category(annotation=list[Keyring], default=[]), "no list can hold them"),
        (make_category(annotation=dict[str, tuple[Keyring, ...]], default={}), "no list can hold them"),
    ],
)
def test_category_that_could_not_be_shown_or_kept_is_refused(category, words):
    with pytest.raises(CategoryRefused, match=words):
        register_category(category)

    with pytest.raises(UnknownCategory):
        category_by_slug("kiosk")


def test_unknown_slug_names_the_known_ones():
    with pytest.raises(UnknownCategory, match=r"No category 'shops'\. Known: .*shop"):
        category_by_slug("shops")
