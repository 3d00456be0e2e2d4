"""System checks of the journeys: a way that leads nowhere is found at start, not by a customer."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from ussd.registry import all_journeys, missing_screens
from ussd.texts import WORDS


@register()
def check_journeys(**_kwargs: Any) -> list[CheckMessage]:
    """Every way leads to a screen, and every screen has words in every language."""
    found: list[CheckMessage] = []
    for journey in all_journeys():
        found += [Error(problem, id="ussd.E001") for problem in missing_screens(journey)]
        for screen in journey.screens:
            found += [
                Error(f"{screen.name}: the text {screen.words!r} is missing in {language}", id="ussd.E002")
                for language, words in WORDS.items()
                if screen.words not in words
            ]
    return found
