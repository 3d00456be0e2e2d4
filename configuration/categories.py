"""The base of every settings category: one pydantic model is the only definition of a setting.

Type, default, limits and help stand in the model; forms, validation, storage and command line come from it.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Category(BaseModel):
    """Settings that staff may change together. Every field has a default and `Field(description=...)`.

    A `SecretStr` field, at any depth, is stored encrypted and never shown again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    slug: ClassVar[str]
    title: ClassVar[str]
    # Fields on which money depends, such as limits: their default is no answer while the stored value is not known
    # (`configuration.selectors.current_or_raise`).
    never_guessed: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def about(cls) -> str:
        """What the settings are for, in one line: the first line of the class's docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    def refusals(self) -> dict[str, list[str]]:
        """Messages by field for values that staff may not save although their type is right.

        Asked only when a person saves. Stored values are read without it, so a rule that became stricter
        in a new release never takes working settings away.
        """
        return {}
