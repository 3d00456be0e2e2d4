"""A setting that nothing reads does not exist."""

from typing import ClassVar

import pytest
from pydantic import Field

from configuration.categories import Category
from configuration.registry import all_categories
from tests.configuration.orphans import find_orphans, product_sources


class Bakery(Category):
    """Settings of a bakery."""

    slug: ClassVar[str] = "bakery"
    title: ClassVar[str] = "Bakery"

    ovens: int = Field(1, description="How many")
    flour: int = Field(1, description="Kilograms")
    zone_name: str = Field("UTC", description="Where")

    @property
    def zone(self) -> str:
        return self.zone_name

    def bread(self) -> int:
        return self.flour


class Patisserie(Bakery):
    """The same with sugar."""

    slug: ClassVar[str] = "patisserie"

    sugar: int = Field(1, description="Kilograms")


READS = "from bakery import Bakery\n\ndef bake(settings: Bakery):\n    return settings."


@pytest.mark.parametrize(
    ("sources", "orphans"),
    [
        ([], ["ovens", "flour", "zone_name"]),
        ([READS + "ovens"], ["flour", "zone_name"]),
        ([READS + "ovens", READS + "flour", READS + "zone"], []),
        # Its own definition does not count, nor a namesake where nobody speaks of the category, nor a write.
        (["class Bakery:\n    def bread(self):\n        return self.flour"], ["ovens", "flour", "zone_name"]),
        (["def heat(kitchen):\n    return kitchen.ovens"], ["ovens", "flour", "zone_name"]),
        (["import Bakery\nkitchen.ovens = 3"], ["ovens", "flour", "zone_name"]),
    ],
)
def test_finder_finds_what_nobody_reads(sources, orphans):
    assert find_orphans(Bakery, sources) == orphans


def test_finder_knows_settings_that_are_inherited():
    for_both = [READS + "ovens", READS + "flour", READS + "zone", READS + "sugar"]

    # Who speaks of any bakery reads what every bakery has, and not what only this one has.
    assert find_orphans(Patisserie, for_both) == ["sugar"]
    assert find_orphans(Patisserie, ["def bake(place: Patisserie):\n    return place.sugar"]) == [
        "ovens",
        "flour",
        "zone_name",
    ]


def test_every_setting_of_the_product_is_read_somewhere():
    sources = list(product_sources())
    real = [category for category in all_categories() if not category.__module__.startswith("tests.")]

    assert real
    assert {category.slug: find_orphans(category, sources) for category in real} == {
        category.slug: [] for category in real
    }
