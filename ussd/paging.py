"""Cuts what a screen has to say into pages that fit a phone: 156 septets, besides the `CON ` of some gateways."""

from collections.abc import Callable, Sequence

from notifications.gsm7 import cut, septets
from ussd.texts.fields import SCREEN_SEPTETS

# (page number, whether more follow) to the lines that stand at its end.
Footer = Callable[[int, bool], Sequence[str]]


def split_pages(lines: Sequence[str], *, footer: Footer) -> list[str]:
    """The pages, at least one. Lines (GSM-7) stay whole unless one alone is too long; those break between words."""
    alone = _join(lines, footer(0, False))
    if septets(alone) <= SCREEN_SEPTETS:
        return [alone]
    pages: list[list[str]] = [[]]
    waiting = list(lines)
    while waiting:
        page = pages[-1]
        ends = footer(len(pages) - 1, True)
        if _fits(_join([*page, waiting[0]], ends)):
            page.append(waiting.pop(0))
            continue
        if not page:
            # Too long for any page.
            head, tail = _break_line(waiting.pop(0), room=SCREEN_SEPTETS - septets(_join([""], ends)))
            page.append(head)
            if tail:
                waiting.insert(0, tail)
        pages.append([])
    last = len(pages) - 1
    return [_join(page, footer(number, number < last)) for number, page in enumerate(pages)]


def fit_screen(text: str) -> str:
    """The last guard: no reply is longer than a screen."""
    return cut(text, limit=SCREEN_SEPTETS)


def _join(lines: Sequence[str], ends: Sequence[str]) -> str:
    return "\n".join([*lines, *ends])


def _fits(text: str) -> bool:
    return septets(text) <= SCREEN_SEPTETS


def _break_line(line: str, *, room: int) -> tuple[str, str]:
    head = cut(line, limit=room)
    space = head.rfind(" ")
    at = space if space > 0 else len(head)
    return line[:at], line[at:].lstrip()
