"""The words of messages: each app registers its own in `AppConfig.ready`; staff may put others in their place.

Words hold named places such as `{amount}` and nothing cleverer, so a template can show what it is given and no more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter

from notifications.gsm7 import SMS_SEPTETS, septets, to_gsm7

LANGUAGES = ("en", "rw", "sw", "fr")
# The language every template has, used when it lacks the customer's.
FALLBACK_LANGUAGE = "en"
# What a field is taken to be, at its longest, when the template does not say.
UNSAID_LONGEST = "W" * 20


class TemplateRefused(ValueError):
    """Words that cannot be used; the message says why."""

    code = "TEMPLATE_REFUSED"


class UnknownTemplate(LookupError):
    """No app registered this template."""

    code = "UNKNOWN_TEMPLATE"


@dataclass(frozen=True)
class Template:
    """Words per language, and the longest realistic value of each field."""

    key: str
    words: Mapping[str, str]
    longest: Mapping[str, str]


_templates: dict[str, Template] = {}


def register_template(key: str, *, words: Mapping[str, str], fields: Collection[str] | Mapping[str, str] = ()) -> None:
    """Make a template known. `fields` may map each name to its longest realistic value, to prove the length.

    Raises TemplateRefused for a key taken, words without English, an unknown language or field, or words
    longer than one SMS.
    """
    if key in _templates:
        raise TemplateRefused(f"The template {key!r} is registered twice")
    if FALLBACK_LANGUAGE not in words:
        raise TemplateRefused(f"{key}: words in {FALLBACK_LANGUAGE!r} are missing")
    longest = dict(fields) if isinstance(fields, Mapping) else dict.fromkeys(fields, UNSAID_LONGEST)
    template = Template(key=key, words=dict(words), longest=longest)
    for language, text in words.items():
        check_words(template, language=language, words=text)
    _templates[key] = template


def template_by_key(key: str) -> Template:
    """The template as registered. Raises UnknownTemplate."""
    try:
        return _templates[key]
    except KeyError:
        raise UnknownTemplate(f"No template {key!r}. Known: {', '.join(sorted(_templates)) or 'none'}") from None


def all_templates() -> list[Template]:
    """Every template, by key."""
    return [_templates[key] for key in sorted(_templates)]


def check_words(template: Template, *, language: str, words: str) -> None:
    """Refuse words that could not be sent: raises TemplateRefused with what to correct."""
    where = f"{template.key} ({language})"
    if language not in LANGUAGES:
        raise TemplateRefused(f"{where}: the language is not one of {', '.join(LANGUAGES)}")
    if not words.strip():
        raise TemplateRefused(f"{where}: there are no words")
    unknown = fields_in(words, where=where) - template.longest.keys()
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(template.longest)) or "no fields"
        raise TemplateRefused(f"{where}: unknown {', '.join(sorted(unknown))}; it may use {known}")
    length = septets(to_gsm7(words.format_map(template.longest)))
    if length > SMS_SEPTETS:
        raise TemplateRefused(f"{where}: {length} characters at its longest, one SMS holds {SMS_SEPTETS}")


def fields_in(words: str, *, where: str) -> set[str]:
    """The names of the places in `words`. Raises TemplateRefused for braces that are not a plain `{name}`."""
    try:
        parsed = list(Formatter().parse(words))
    except ValueError as error:
        raise TemplateRefused(f"{where}: the braces do not match ({error})") from error
    names = set()
    for _text, name, form, conversion in parsed:
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise TemplateRefused(f"{where}: only plain places such as {{amount}} are possible, not {{{name}}}")
        names.add(name)
    return names
