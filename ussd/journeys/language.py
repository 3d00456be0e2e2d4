"""Choosing a language: asked at the first dial, and any time from the menu."""

from accounts.services.customers import choose_language
from ussd.languages import CHOOSE_LANGUAGE, language_number, offered_languages
from ussd.screens import HOME, Choice, Journey, Result, Screen, Step, go
from ussd.texts import LANGUAGE_NAMES
from ussd.visits import Visit


def set_language(visit: Visit, typed: str) -> Result:
    """From now on the customer reads the language with this number."""
    language = language_number(typed, visit.settings)
    choose_language(customer=visit.customer, language=language, at=visit.at)
    visit.session.language = language
    return Result("CHOSEN")


def _choices(visit: Visit) -> tuple[Choice, ...]:
    step = Step({"CHOSEN": HOME}, act=set_language)
    return tuple(
        Choice("language.name", step, {"language": LANGUAGE_NAMES[language]})
        for language in offered_languages(visit.settings)
    )


JOURNEY = Journey(
    name="language",
    title="Choice of language",
    screens=(Screen(CHOOSE_LANGUAGE, words="language.choose", choices=_choices),),
    in_menu=Choice("menu.language", go(CHOOSE_LANGUAGE)),
    menu_order=80,
)
