"""How amounts are stored."""

from typing import Any

from django.db import models


def money_field(**options: Any) -> models.DecimalField:
    """An amount in the row's currency."""
    return models.DecimalField(max_digits=14, decimal_places=2, **options)
