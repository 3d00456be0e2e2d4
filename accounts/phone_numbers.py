"""Phone numbers: any usual form comes in, E.164 with the plus is stored, converted at the edges only.

Facts and the table of cases: docs on phone numbers; checked against `phonenumbers` by tests.
"""

import re

import phonenumbers
from django.conf import settings
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

# Spaces (also those that word processors put into numbers), hyphens, brackets, full stops.
_DECORATION = re.compile("[ \t\u00a0\u202f().-]")
_SHAPE = re.compile(r"\+?[0-9]{7,15}")
_LONGEST_RAW = 40
# What people dial before a foreign number where it is not 00.
_INTERNATIONAL_PREFIX = {"KE": "000", "NG": "009"}
# MTN's sandbox plays a scenario for each (mobile money notes).
_TEST_NUMBERS = "+46733"
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


class InvalidPhoneNumber(ValueError):
    """The text is not a mobile number of the expected country."""

    code = "INVALID_PHONE"

    def __init__(self) -> None:
        # The number itself stays out: messages end up in logs.
        super().__init__("This is not a valid mobile phone number.")


def parse_phone(raw: str, *, region: str = "RW", any_country: bool = False) -> str:
    """The number as E.164, `+250788123456`.

    `region` is the country (ISO 3166, two letters) the number must belong to, and in which numbers without a
    country code are read. `any_country` lifts that in sandbox mode only, for simulators whose numbers
    are Swedish; elsewhere it changes nothing.
    Letters are refused rather than read as a keypad, and so are digits that are not ASCII. Raises InvalidPhoneNumber.
    """
    if not isinstance(raw, str) or len(raw) > _LONGEST_RAW:
        raise InvalidPhoneNumber
    foreign_too = any_country and settings.SANDBOX
    for candidate in _candidates(raw, region=region, foreign_too=foreign_too):
        if found := _read(candidate, region=region, foreign_too=foreign_too):
            return found
    raise InvalidPhoneNumber


def _candidates(raw: str, *, region: str, foreign_too: bool) -> list[str]:
    """The readings of the text, likeliest first."""
    text = _DECORATION.sub("", raw)
    for prefix in (_INTERNATIONAL_PREFIX.get(region, "00"), "00"):
        if text.startswith(prefix):
            text = "+" + text.removeprefix(prefix)
            break
    if not _SHAPE.fullmatch(text):
        return []
    if text.startswith("+"):
        return [text]
    if raw.startswith(" ") and not text.startswith("0"):
        # A plus that a form decoder turned into a space.
        return ["+" + text, text]
    return [text, "+" + text] if foreign_too else [text]


def _read(text: str, *, region: str, foreign_too: bool) -> str | None:
    try:
        number = phonenumbers.parse(text, None if text.startswith("+") else region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        return None
    if not foreign_too and phonenumbers.region_code_for_number(number) != region:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_of_country(e164: str, region: str) -> bool:
    """Whether the number belongs to the country (ISO 3166, two letters). In sandbox mode the provider's own test
    numbers, which are Swedish, belong to each.
    """
    if settings.SANDBOX and e164.startswith(_TEST_NUMBERS):
        return True
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164, None)) == region


def digits(e164: str) -> str:
    """Without the plus, as mobile money providers want it: `250788123456`."""
    return e164.removeprefix("+")


def local_form(e164: str) -> str:
    """As people write it at home: `0788123456`."""
    national = phonenumbers.format_number(phonenumbers.parse(e164, None), PhoneNumberFormat.NATIONAL)
    return re.sub(r"[^0-9]", "", national)


def mask_phone(e164: str) -> str:
    """For screens and messages that others may read: `+250…456`."""
    return f"{e164[:4]}…{e164[-3:]}" if len(e164) > 8 else "…"
