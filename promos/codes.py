"""What a promo code looks like: pure functions that make, read and check it (spec 5, section 2.4).

`XXXX-XXYY-XXMM-XXDD`: ten random characters around the day the code was made (country's zone). It is stored
without hyphens, upper case.

The alphabet of X is configuration. The default leaves out O and 0, I and 1, because people mistake one for the
other when they copy a code from paper; the 32 characters left give 32^10 codes a day, 50 bits, so a guess among a
million live codes is right once in a thousand million. The date is digits only, so there a typed O, I or L can
only mean 0 or 1 and is read so.

With the check character (optional), the last X is computed from the other fifteen by ISO 7064 MOD 37,36: any single
wrong character gives another check character, and nearly all swaps of neighbours do. It is computed over all 36
letters and digits whatever the alphabet is, so codes stay valid when the alphabet changes; the generator keeps only
draws whose check character is in the alphabet. Whether a code has one is told by its printed date alone.
"""

import os
import re
from collections.abc import Callable
from datetime import date

CODE_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEFAULT_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 16
# How many of the sixteen are random: the X of the format.
RANDOM_CHARACTERS = 10
CHECK_PLACE = 13
# Longer input is no code, however it is spaced.
LONGEST_TYPED = 64

_SHAPE = re.compile(
    r"[A-Z0-9]{6}(?P<year>[0-9]{2})[A-Z0-9]{2}(?P<month>[0-9]{2})[A-Z0-9]{2}(?P<day>[0-9]{2})", re.ASCII
)
_DATE_PLACES = (6, 7, 10, 11, 14, 15)
_AS_DIGIT = str.maketrans("OIL", "011")
# Spaces and hyphens of every kind a phone or a gateway may send go; full-width letters and digits become plain; only
# ASCII letters change case, because `str.upper` makes code characters of letters that are none (ß, ı).
_PLAIN = (
    dict.fromkeys(map(ord, " -\t\n\r\u00a0\u00ad\u2007\u200b\u202f\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u3000"))
    | {code: code - 0xFEE0 for code in range(0xFF10, 0xFF3B)}
    | {code: code - 0xFEE0 - 32 for code in range(0xFF41, 0xFF5B)}
    | {0xFF0D: None}
    | {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
)


def read_code(typed: str, *, check_from: date | None) -> str | None:
    """The code a person meant, as stored; None when it cannot be one.

    Any case, with spaces or hyphens or none. The printed date must exist; a check character, where the date asks for
    one, must be right.
    """
    code = normalise_code(typed)
    return code if code is not None and is_valid_code(code, check_from=check_from) else None


def normalise_code(typed: str) -> str | None:
    """Sixteen capital letters and digits in the places of the format, or None. Says nothing about date or check."""
    if len(typed) > LONGEST_TYPED:
        return None
    characters = list(typed.translate(_PLAIN))
    if len(characters) != LENGTH:
        return None
    for place in _DATE_PLACES:
        characters[place] = characters[place].translate(_AS_DIGIT)
    code = "".join(characters)
    return code if _SHAPE.fullmatch(code) else None


def search_form(typed: str) -> str:
    """What was typed of a code, whole or its beginning, as it would be stored; for searches."""
    return typed[:LONGEST_TYPED].translate(_PLAIN)


def is_valid_code(code: str, *, check_from: date | None) -> bool:
    """Whether a stored form is a possible code: a real date and, from `check_from` on, the right check character."""
    printed = printed_date(code)
    if printed is None:
        return False
    return not has_check_character(printed, check_from=check_from) or code[CHECK_PLACE] == check_character(code)


def printed_date(code: str) -> date | None:
    """The day the code was made, as it stands in the code; None when there is no such day."""
    match = _SHAPE.fullmatch(code)
    if match is None:
        return None
    try:
        return date(2000 + int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def has_check_character(made_on: date, *, check_from: date | None) -> bool:
    """Whether codes of this day carry a check character. The one rule for the generator and the reader."""
    return check_from is not None and made_on >= check_from


def check_character(code: str) -> str:
    """ISO 7064 MOD 37,36 over the fifteen other characters; what stands in the check place does not matter."""
    state = 36
    for place in _DATA_PLACES:
        state = _STEP[state][code[place]]
    return _CHECK[state]


def hyphenate(code: str) -> str:
    """A stored code as people read it: `A1B2-C324-5D12-6E25`."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def generate_codes(
    *,
    count: int,
    made_on: date,
    alphabet: str,
    check_from: date | None,
    entropy: Callable[[int], bytes] = os.urandom,
) -> list[str]:
    """`count` random codes of one day, stored form; a repeat among them is possible, uniqueness is the database's word.

    Every character comes from the system's random source and is equally likely.
    """
    year, month, day = f"{made_on:%y}", f"{made_on:%m}", f"{made_on:%d}"
    if not has_check_character(made_on, check_from=check_from):
        text = random_characters(count * RANDOM_CHARACTERS, alphabet=alphabet, entropy=entropy)
        return [
            f"{text[at : at + 6]}{year}{text[at + 6 : at + 8]}{month}{text[at + 8 : at + 10]}{day}"
            for at in range(0, len(text), RANDOM_CHARACTERS)
        ]
    codes: list[str] = []
    while len(codes) < count:
        missing = count - len(codes)
        text = random_characters(missing * 9, alphabet=alphabet, entropy=entropy)
        for at in range(0, len(text), 9):
            head = f"{text[at : at + 6]}{year}{text[at + 6 : at + 8]}{month}{text[at + 8]}"
            check = check_character(f"{head}?{day}")
            if check in alphabet:
                codes.append(f"{head}{check}{day}")
    return codes


def random_characters(count: int, *, alphabet: str, entropy: Callable[[int], bytes] = os.urandom) -> str:
    """`count` characters of `alphabet`, each equally likely: bytes that would favour some are thrown away."""
    fair = 256 - 256 % len(alphabet)
    table = bytes(ord(alphabet[value % len(alphabet)]) for value in range(256))
    unfair = bytes(range(fair, 256))
    drawn = entropy(count).translate(table, unfair)
    while len(drawn) < count:
        drawn += entropy(count - len(drawn)).translate(table, unfair)
    return drawn.decode("ascii")


def _tables() -> tuple[list[dict[str, int]], list[str]]:
    """The hybrid system of ISO 7064 as two tables: state and character to next state, last state to check character."""
    step: list[dict[str, int]] = []
    for state in range(37):
        row = {}
        for value, character in enumerate(CODE_CHARACTERS):
            row[character] = ((state + value) % 36 or 36) * 2 % 37
        step.append(row)
    return step, [CODE_CHARACTERS[(1 - state) % 36] for state in range(37)]


_DATA_PLACES = tuple(place for place in range(LENGTH) if place != CHECK_PLACE)
_STEP, _CHECK = _tables()
