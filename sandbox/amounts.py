"""Money as the sandbox keeps it: whole hundredths of the currency, in an integer."""

import re
from decimal import Decimal

HUNDREDTHS = 100
MAX_DIGITS = 12
_AMOUNT = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,2}})?", re.ASCII)


class InvalidAmount(ValueError):
    """The text is not an amount in this currency."""


def parse_amount(text: str, *, minor_units: int) -> int:
    """Hundredths in `text`, digits with a decimal point only where the currency has minor units.

    Raises InvalidAmount for anything else, signs, spaces and exponents included.
    """
    if not _AMOUNT.fullmatch(text):
        raise InvalidAmount("digits only, with at most two decimals")
    if "." in text and not minor_units:
        raise InvalidAmount("this currency has no minor units")
    return int(Decimal(text) * HUNDREDTHS)


def show_amount(hundredths: int) -> str:
    """As MTN writes an amount back: without trailing zeros, `"12.5"`, `"500"`."""
    whole, rest = divmod(hundredths, HUNDREDTHS)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def number_amount(hundredths: int) -> int | float:
    """As the sandbox's own pages write it: a JSON number, an integer where it is whole."""
    whole, rest = divmod(hundredths, HUNDREDTHS)
    return hundredths / HUNDREDTHS if rest else whole
