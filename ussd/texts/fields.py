"""What may stand in the places of a text, at its longest realistic value; and whether words fit a screen."""

from string import Formatter

from notifications.gsm7 import is_gsm7, septets
from ussd.texts import WORDS

# 160 septets a screen, of which `CON ` takes four on gateways that have it (phone-numbers.md section 5).
SCREEN_SEPTETS = 156
LONGEST_SERVICE_NAME = 20
LONGEST_CONTACT = 40

LONGEST = {
    "amount": "RWF 100,000,000",
    "phone": "+234" + "8" * 11,
    "day": "31/12/2026",
    "minutes": "10080",
    "service": "W" * LONGEST_SERVICE_NAME,
    "contact": "W" * LONGEST_CONTACT,
    "language": "Ikinyarwanda",
    "currency": "NGN",
    "get": "NGN 9,500,000.50",
    "repay": "NGN 10,000,000",
    "balance": "NGN 10,000,000",
    "limit": "NGN 10,000,000",
    "most": "10,000,000",
    "due": "28 sept",
    "number": "LOAN-2026-123456",
    "score": "10000",
    "hours": "720",
    # The longest line about one loan; several are cut into pages between lines.
    "loans": "LOAN-2026-123456: NGN 9,500,000.50 arrive bientot. A rembourser: NGN 10,000,000 au plus tard le 28 sept.",
}
# What screens carry for their acts, shown by no words.
CARRIED = {
    "offers": "5000000 4750000.50 2026-09-28|7500000 7125000.50 2026-09-28|10000000 9500000.50 2026-09-28",
    "loan": "00000000-0000-4000-8000-000000000000",
    "chosen": "10000000",
    "owed": "10000000",
}


class WordsRefused(ValueError):
    """Words that cannot be shown; the message says why."""

    code = "WORDS_REFUSED"


def fields_of(words: str) -> set[str]:
    """The names of the places in `words`. Raises WordsRefused for braces that are not a plain `{name}`."""
    try:
        parsed = list(Formatter().parse(words))
    except ValueError as error:
        raise WordsRefused(f"the braces do not match ({error})") from error
    names = set()
    for _text, name, form, conversion in parsed:
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise WordsRefused(f"only plain places such as {{amount}} are possible, not {{{name}}}")
        names.add(name)
    return names


def check_words(key: str, *, language: str, words: str) -> None:
    """Refuse words that no screen could show: raises WordsRefused with what to correct.

    They may use only the places of our own English words, must be GSM-7, and fit one screen at their longest.
    """
    if language not in WORDS:
        raise WordsRefused(f"{key}: the language {language!r} is not one of {', '.join(WORDS)}")
    if key not in WORDS["en"]:
        raise WordsRefused(f"{key}: there is no such text")
    where = f"{key} ({language})"
    if not words.strip():
        raise WordsRefused(f"{where}: there are no words")
    try:
        unknown = fields_of(words) - fields_of(WORDS["en"][key])
    except WordsRefused as error:
        raise WordsRefused(f"{where}: {error}") from error
    if unknown:
        raise WordsRefused(f"{where}: unknown {', '.join(sorted(unknown))}")
    text = words.format_map(LONGEST)
    if not is_gsm7(text):
        strange = sorted({character for character in text if not is_gsm7(character)})
        raise WordsRefused(f"{where}: {' '.join(strange)} cannot be shown on every phone (GSM-7)")
    if (length := septets(text)) > SCREEN_SEPTETS:
        raise WordsRefused(f"{where}: {length} characters at its longest, a screen holds {SCREEN_SEPTETS}")
