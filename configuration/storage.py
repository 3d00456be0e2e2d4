"""How a category is written in JSON: to a database row (secrets encrypted) and for people (secrets masked).

A row keeps only the fields that staff have set; every other field follows the code's default.
"""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from pydantic import SecretStr, ValidationError
from pydantic_core import to_jsonable_python

from configuration.categories import Category
from configuration.encryption import UnreadableSecret, decrypt, encrypt, renew

MASK = "********"
# A JSON object with this one key is an encrypted secret, at any depth.
_SEALED = "$secret"

CategoryT = TypeVar("CategoryT", bound=Category)
logger = structlog.get_logger(__name__)


def to_stored(category: Category, names: set[str]) -> dict[str, Any]:
    """The fields `names` of `category` as JSON, secrets encrypted."""
    return {name: to_json(getattr(category, name), _encrypted) for name in sorted(names)}


def to_shown(category: Category) -> dict[str, Any]:
    """Every field of `category` as JSON for people: a secret that is set shows as a mask, an empty one as ''."""
    return {name: to_json(getattr(category, name), mask) for name in type(category).model_fields}


class Reading(NamedTuple, Generic[CategoryT]):
    """What a row holds, and the fields in it that could not be read: they have their defaults."""

    values: CategoryT
    unusable: frozenset[str]


def from_stored(category: type[CategoryT], stored: dict[str, Any]) -> CategoryT:
    """The category a row holds, as `read_stored` reads it."""
    return read_stored(category, stored).values


def read_stored(category: type[CategoryT], stored: dict[str, Any]) -> Reading[CategoryT]:
    """The category a row holds. Never raises for what the row holds.

    A field that no longer exists is ignored; one whose value no longer fits, or whose secret no key reads,
    takes its default and is logged, so that one bad value does not take the others away.
    """
    values: dict[str, Any] = {}
    known = category.model_fields.keys() & stored.keys()
    for name in known:
        try:
            values[name] = decrypt_secrets(stored[name])
        except UnreadableSecret as error:
            logger.error("configuration_secret_unreadable", category=category.slug, field=name, error=str(error))
    while True:
        try:
            return Reading(category.model_validate(values), frozenset(known - values.keys()))
        except ValidationError as error:
            if not values:
                raise  # the defaults themselves: registration has proved them, so this is a programmer's mistake
            bad = {str(item["loc"][0]) for item in error.errors(include_input=False) if item["loc"]}
            # A rule between fields names none of them: then nothing of the row can be trusted.
            dropped = sorted(bad & values.keys()) or sorted(values)
            logger.error("configuration_values_unusable", category=category.slug, fields=dropped)
            values = {name: value for name, value in values.items() if name not in dropped}


def is_sealed(stored: Any) -> bool:
    """Whether this piece of JSON is an encrypted secret."""
    return isinstance(stored, dict) and set(stored) == {_SEALED}


def decrypt_secrets(stored: Any) -> Any:
    """Stored JSON with every secret in clear. Raises UnreadableSecret."""
    if isinstance(stored, dict):
        if is_sealed(stored):
            return decrypt(stored[_SEALED])
        return {key: decrypt_secrets(value) for key, value in stored.items()}
    if isinstance(stored, list):
        return [decrypt_secrets(value) for value in stored]
    return stored


def renew_secrets(stored: Any) -> Any:
    """Stored JSON with every secret under the newest key; one that no key reads stays as it is."""
    if is_sealed(stored):
        return {_SEALED: renew(stored[_SEALED])}
    if isinstance(stored, dict):
        return {key: renew_secrets(value) for key, value in stored.items()}
    if isinstance(stored, list):
        return [renew_secrets(value) for value in stored]
    return stored


def to_json(value: Any, secret: Callable[[str], Any]) -> Any:
    """A field's value as JSON, every secret in it through `secret`."""
    if isinstance(value, SecretStr):
        return secret(value.get_secret_value())
    if hasattr(type(value), "model_fields"):
        return {name: to_json(getattr(value, name), secret) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(to_jsonable_python(key)): to_json(item, secret) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item, secret) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(item, secret) for item in value), key=str)
    return to_jsonable_python(value)


def mask(plain: str) -> str:
    """A secret for people: whether it is set, and nothing more."""
    return MASK if plain else ""


def _encrypted(plain: str) -> Any:
    return {_SEALED: encrypt(plain)} if plain else ""
