"""The GSM-7 alphabet of SMS and USSD: what it holds, what it costs, and how to come as near as it allows.

One character outside the alphabet turns a whole message into UCS-2 (70 characters instead of 160), or into
garbage on an old handset. Source: 3GPP TS 23.038 sections 6.2.1 and 6.2.1.1.
"""

import unicodedata

# One septet each. The escape character at 0x1B is left out: it is not a character of its own.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Two septets each: the escape and the character. A form feed is a page break, so it is not for text.
EXTENSION = frozenset("^{}\\[~]|€")

SMS_SEPTETS = 160
SMS_PART_SEPTETS = 153
REPLACEMENT = "?"

# What NFKD does not take apart, or takes apart into something odd.
_NEAREST = {
    "₦": "NGN ",
    "‘": "'",
    "’": "'",
    "‚": "'",
    "‛": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‹": "'",
    "›": "'",
    "`": "'",
    "´": "'",
    "′": "'",
    "″": '"',
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "―": "-",
    "−": "-",
    "•": "-",
    "·": ".",
    "…": "...",
    "×": "x",
    "÷": "/",
    "⁄": "/",
    "œ": "oe",
    "Œ": "OE",
    "ð": "d",
    "Ð": "D",
    "đ": "d",
    "Đ": "D",
    "ł": "l",
    "Ł": "L",
    "þ": "th",
    "Þ": "Th",
    "ı": "i",
    "ŋ": "ng",
    "Ŋ": "Ng",
    "ɓ": "b",
    "Ɓ": "B",
    "ɗ": "d",
    "Ɗ": "D",
    "ƙ": "k",
    "Ƙ": "K",
    "ƴ": "y",
    "Ƴ": "Y",
    "©": "(c)",
    "®": "(R)",
    "\t": " ",
    "\v": "\n",
    "\f": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}


def septets(text: str) -> int:
    """How many septets `text` takes. Raises ValueError for a character outside the alphabet: use `to_gsm7` first."""
    return sum(_cost(character) for character in text)


def is_gsm7(text: str) -> bool:
    """Whether every character of `text` is in the alphabet."""
    return all(character in BASIC or character in EXTENSION for character in text)


def sms_parts(text: str) -> int:
    """How many SMS `text` is charged as. A pair of escape and character is not split between parts."""
    if septets(text) <= SMS_SEPTETS:
        return 1
    parts, used = 1, 0
    for character in text:
        cost = _cost(character)
        if used + cost > SMS_PART_SEPTETS:
            parts, used = parts + 1, 0
        used += cost
    return parts


def cut(text: str, *, limit: int) -> str:
    """The longest beginning of `text` that takes at most `limit` septets."""
    used = 0
    for position, character in enumerate(text):
        used += _cost(character)
        if used > limit:
            return text[:position]
    return text


def to_gsm7(text: str) -> str:
    """`text` in the alphabet, as near as it goes; `septets` of the result never raises.

    Curly quotes become straight, accents that the alphabet lacks are taken off (Yoruba, Igbo, French),
    control and other invisible characters go, the rest becomes '?'.
    """
    normal = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_nearest(character) for character in normal)


def _cost(character: str) -> int:
    if character in BASIC:
        return 1
    if character in EXTENSION:
        return 2
    raise ValueError(f"{character!r} is not in the GSM-7 alphabet")


def _nearest(character: str) -> str:
    if character in BASIC or character in EXTENSION:
        return character
    if character in _NEAREST:
        return _NEAREST[character]
    if unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me"}:
        return ""
    plain = "".join(
        # `₦` inside a compatibility form, or a letter NFKD leaves with its stroke, gets its nearest too.
        _NEAREST.get(part, part)
        for part in unicodedata.normalize("NFKD", character)
        if not unicodedata.combining(part)
    )
    return plain if plain and is_gsm7(plain) else REPLACEMENT
