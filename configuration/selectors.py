"""Reading settings."""

from typing import TypeVar, cast

from configuration.categories import Category
from configuration.snapshot import known_category

CategoryT = TypeVar("CategoryT", bound=Category)


def current(category: type[CategoryT]) -> CategoryT:
    """The settings in force, at most 5 s old across processes; frozen, so safe to hand around.

    Costs a dictionary look-up, and one SELECT per process every 3 s for all categories together. Never raises:
    while PostgreSQL is away it gives the last known values, else the defaults.
    """
    return cast(CategoryT, known_category(category).values)
