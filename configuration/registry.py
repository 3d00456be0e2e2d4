"""Which categories exist. Each app registers its own in `AppConfig.ready`."""

import re

from configuration.categories import Category

_SLUG = re.compile(r"^[a-z][a-z0-9_]{0,49}$")
_categories: dict[str, type[Category]] = {}


class CategoryRefused(ValueError):
    """The category cannot be registered; the message says why. A programmer's mistake, found at start."""


class UnknownCategory(LookupError):
    """No category has this slug."""

    code = "UNKNOWN_CATEGORY"


def register_category(category: type[Category]) -> None:
    """Make `category` known. Raises CategoryRefused for a slug taken or bad, or a field without help or default."""
    slug = getattr(category, "slug", "")
    if not _SLUG.match(slug):
        raise CategoryRefused(f"{category.__name__} needs a slug of lower-case letters, digits and _")
    if slug in _categories:
        raise CategoryRefused(f"The slug {slug!r} already belongs to {_categories[slug].__name__}")
    if not getattr(category, "title", ""):
        raise CategoryRefused(f"{category.__name__} needs a title")
    for name, field in category.model_fields.items():
        if not field.description:
            raise CategoryRefused(f"{category.__name__}.{name} needs a description")
        if field.is_required():
            raise CategoryRefused(f"{category.__name__}.{name} needs a default")
    category()
    _categories[slug] = category


def category_by_slug(slug: str) -> type[Category]:
    """The category with this slug. Raises UnknownCategory."""
    try:
        return _categories[slug]
    except KeyError:
        known = ", ".join(sorted(_categories)) or "none"
        raise UnknownCategory(f"No category {slug!r}. Known: {known}") from None


def all_categories() -> list[type[Category]]:
    """Every category, by title."""
    return sorted(_categories.values(), key=lambda category: category.title)
