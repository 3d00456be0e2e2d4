"""The words of every screen, per language. `say` is the only way to them.

Words hold named places such as `{amount}` and nothing cleverer. Staff may put other words in their place
(`UssdSettings.texts`), within the same length and alphabet.
"""

from collections.abc import Mapping

from ussd.texts import en, fr, rw, sw

# Every language has every key; a test compares them.
WORDS: dict[str, dict[str, str]] = {"en": en.WORDS, "rw": rw.WORDS, "sw": sw.WORDS, "fr": fr.WORDS}
LANGUAGES = tuple(WORDS)
# What a language is called in itself, in GSM-7.
LANGUAGE_NAMES = {"en": "English", "rw": "Ikinyarwanda", "sw": "Kiswahili", "fr": "Francais"}
Overrides = Mapping[str, Mapping[str, str]]


def say(key: str, *, language: str, facts: Mapping[str, str] | None = None, overrides: Overrides | None = None) -> str:
    """The words of `key` with its places filled.

    An unknown key or a missing fact is a programmer's mistake: KeyError, and the customer gets an apology.
    """
    words = (overrides or {}).get(key, {}).get(language) or WORDS[language][key]
    return words.format_map(facts or {})
