"""A category that only tests have, with a field of every kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from configuration import registry
from configuration.categories import Category


class Provider(BaseModel):
    """A nested group with a secret of its own."""

    model_config = ConfigDict(frozen=True)

    name: str = Field("mtn", description="Who")
    token: SecretStr = Field(SecretStr(""), description="Their key")


class Shop(Category):
    """Settings of a shop."""

    slug: ClassVar[str] = "shop"
    title: ClassVar[str] = "Shop"
    never_guessed: ClassVar[frozenset[str]] = frozenset({"staff"})

    open: bool = Field(True, description="Whether customers may come in")
    name: str = Field("Corner shop", max_length=40, description="What stands over the door")
    mode: Literal["cash", "card"] = Field("cash", description="How customers pay")
    staff: int = Field(2, ge=1, le=9, description="People at work")
    price: Decimal = Field(Decimal("9.50"), ge=0, max_digits=8, decimal_places=2, description="Of one apple")
    rate: float = Field(0.5, ge=0, le=1, description="Share of the second apple")
    hours: list[int] = Field([8, 18], description="Opening and closing hour")
    words: dict[str, str] = Field({}, description="Greeting by language")
    till_key: SecretStr = Field(SecretStr(""), max_length=50, description="Opens the till")
    provider: Provider = Field(Provider(), description="Who delivers")
    keys: dict[str, SecretStr] = Field({}, description="Keys by door")
    note: str | None = Field(None, description="Anything else")

    @model_validator(mode="after")
    def hours_are_in_order(self) -> "Shop":
        if self.hours != sorted(self.hours):
            raise ValueError("the shop must open before it closes")
        return self

    def refusals(self) -> dict[str, list[str]]:
        return {"name": ["This name is taken."]} if self.name == "Taken" else {}


@contextmanager
def registered(*categories: type[Category]) -> Iterator[None]:
    """The categories beside the real ones, until the end of the block."""
    before = dict(registry._categories)
    for category in categories:
        registry.register_category(category)
    try:
        yield
    finally:
        registry._categories.clear()
        registry._categories.update(before)
