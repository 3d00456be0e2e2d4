"""The words: the same keys and places in every language, and what staff may put in their place."""

import pytest
from django.utils import timezone

from configuration.changes import InvalidConfiguration
from configuration.services import change_category
from ussd.configuration import UssdSettings
from ussd.texts import LANGUAGES, WORDS, say
from ussd.texts.fields import LONGEST, WordsRefused, check_words, fields_of


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_places(language: str) -> None:
    assert WORDS[language].keys() == WORDS["en"].keys()
    for key, words in WORDS[language].items():
        assert fields_of(words) == fields_of(WORDS["en"][key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_words_pass_the_check_for_staff(language: str) -> None:
    for key, words in WORDS[language].items():
        check_words(key, language=language, words=words)


def test_every_place_has_a_longest_value() -> None:
    places = {place for words in WORDS["en"].values() for place in fields_of(words)}

    assert places == set(LONGEST)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "there are no words"),
        ("Hello {name}", "unknown name"),
        ("Hello {", "the braces do not match"),
        ("Hello {amount!r}", "only plain places"),
        ("Hello {}", "only plain places"),
        ("x" * 157, "157 characters at its longest, a screen holds 156"),
        ("{amount} ₦", "₦ cannot be shown on every phone"),
    ],
)
def test_words_no_screen_can_show_are_refused(words: str, problem: str) -> None:
    with pytest.raises(WordsRefused, match=problem):
        check_words("news.paid", language="en", words=words)


def test_unknown_text_or_language_is_refused() -> None:
    with pytest.raises(WordsRefused, match="there is no such text"):
        check_words("news.unknown", language="en", words="x")
    with pytest.raises(WordsRefused, match="is not one of en, rw, sw, fr"):
        check_words("news.paid", language="yo", words="x")


@pytest.mark.django_db
def test_staff_change_words_and_settings_that_make_sense() -> None:
    at = timezone.now()
    change_category(
        UssdSettings,
        changes={"texts": {"promo.prompt": {"en": "Hi from {service}. Code:"}}},
        changed_by=None,
        reason="Shorter",
        at=at,
    )
    for changes in (
        {"texts": {"promo.prompt": {"en": "x" * 200}}},
        {"texts": {"promo.nothing": {"en": "x"}}},
        {"supported_languages": ("rw",)},
        {"supported_languages": ("en", "yo")},
        {"supported_languages": ("en", "en")},
        {"service_name": "A name that is much too long"},
        {"service_name": "Na₦ra"},
        {"service_name": "two\nlines"},
        {"deadline_seconds": 60},
    ):
        with pytest.raises(InvalidConfiguration):
            change_category(UssdSettings, changes=changes, changed_by=None, reason="No", at=at)


def test_words_of_staff_come_before_ours() -> None:
    overrides = {"engine.busy": {"en": "Wait."}}

    assert say("engine.busy", language="en", overrides=overrides) == "Wait."
    assert say("engine.busy", language="fr", overrides=overrides) == WORDS["fr"]["engine.busy"]
