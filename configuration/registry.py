"""Which categories exist. Each app registers its own in `AppConfig.ready`."""

import re
from collections.abc import Sequence, Set
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

from configuration.categories import Category

_SLUG = re.compile(r"^[a-z][a-z0-9_]{0,49}$")
_categories: dict[str, type[Category]] = {}


class CategoryRefused(ValueError):
    """The category cannot be registered; the message says why. A programmer's mistake, found at start."""


class UnknownCategory(LookupError):
    """No category has this slug."""

    code = "UNKNOWN_CATEGORY"


def register_category(category: type[Category]) -> None:
    """Make `category` known.

    Raises CategoryRefused for a slug taken or bad, a field without help or default, and secrets in a list.
    """
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
        if _lists_secrets(field.annotation):
            # A list that is put in another order would give one entry the secret of another.
            raise CategoryRefused(f"{category.__name__}.{name}: secrets must have names, so no list can hold them")
    if unknown := category.never_guessed - category.model_fields.keys():
        raise CategoryRefused(f"{category.__name__}.never_guessed names no fields: {', '.join(sorted(unknown))}")
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


def _lists_secrets(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, (Sequence, Set)) and _holds_secret(annotation):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_lists_secrets(field.annotation) for field in annotation.model_fields.values())
    return any(_lists_secrets(part) for part in get_args(annotation))


def _holds_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation in (SecretStr, SecretBytes) or any(_holds_secret(part) for part in get_args(annotation))
