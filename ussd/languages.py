"""The choice of a language: which are offered, in which order, and what a typed number means."""

from ussd.configuration import UssdSettings

# The screen asked first of customers who have not chosen (`ussd.journeys.language`).
CHOOSE_LANGUAGE = "language.choose"


def offered_languages(settings: UssdSettings) -> tuple[str, ...]:
    """In the order of the screen, numbered from 1."""
    return settings.supported_languages


def language_number(typed: str, settings: UssdSettings) -> str:
    """The language whose number was typed; empty when it is none."""
    offered = offered_languages(settings)
    if typed.isascii() and typed.isdigit() and len(typed) <= 2 and 1 <= int(typed) <= len(offered):
        return offered[int(typed) - 1]
    return ""
