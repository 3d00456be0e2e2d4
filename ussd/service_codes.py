"""Service codes: `*384*1234#`. What was dialled is matched with what is configured; the rest pre-fills the input."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

_SHAPE = re.compile(r"\*[0-9]{1,10}(\*[0-9]{1,10}){0,5}")
# The journey for those who do not say where they want to go.
MENU = "menu"
# The longest a code can be: six parts of ten digits.
LONGEST = 67


# What a log shows of a dial that leads nowhere: two numbers as short as those of a service code.
_SHOWN_PARTS, _SHOWN_DIGITS = 2, 6


class InvalidServiceCode(ValueError):
    """Not a service code; the message says what one looks like."""

    code = "INVALID_SERVICE_CODE"


@dataclass(frozen=True)
class Route:
    """Where a dial leads. `prefill` is what was dialled after the code: `*384*1234*CODE#` gives ("CODE",)."""

    service_code: str
    journey: str
    prefill: tuple[str, ...] = ()


def normalise_service_code(raw: str) -> str:
    """The form we store: `*384*1234#`. Raises InvalidServiceCode."""
    body = raw.strip().removesuffix("#")
    if not _SHAPE.fullmatch(body):
        raise InvalidServiceCode(f"{raw[:LONGEST]!r} is not a service code such as *384*1234#")
    return body + "#"


def mask_dialled(dialled: str) -> str:
    """What was dialled, for the log: how it begins. The rest may be a promo code, which is money."""
    parts = dialled.strip().strip("*#").split("*")
    shown = list(takewhile(lambda part: part.isdigit() and len(part) <= _SHOWN_DIGITS, parts[:_SHOWN_PARTS]))
    hidden = ["****"] if len(shown) < len(parts) else []
    return f"*{'*'.join(shown + hidden)}#"


def find_route(service_codes: Mapping[str, str], dialled: str) -> Route | None:
    """The longest configured code that begins what was dialled; None when there is none.

    Who sends no code at all gets the main menu, or the only journey there is.
    """
    wanted = dialled.strip().removesuffix("#").removeprefix("*")
    if not wanted:
        codes = [code for code, journey in service_codes.items() if journey == MENU or len(service_codes) == 1]
        return Route(codes[0], service_codes[codes[0]]) if codes else None
    parts = wanted.split("*")
    for length in range(len(parts), 0, -1):
        code = f"*{'*'.join(parts[:length])}#"
        if code in service_codes:
            return Route(code, service_codes[code], tuple(parts[length:]))
    return None
