"""Settings of the USSD service that staff may change (spec 5, "USSD Configuration"; contract section 4)."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from configuration.categories import Category
from notifications.gsm7 import is_gsm7
from ussd.texts import LANGUAGES
from ussd.texts.fields import LONGEST_CONTACT, LONGEST_SERVICE_NAME, WordsRefused, check_words


def check_gsm7(value: str) -> str:
    """Words every phone can show, on one line. Raises ValueError for others."""
    if not is_gsm7(value) or not value.isprintable() or any(character in "^{}\\[~]|€" for character in value):
        raise ValueError("only plain letters, digits and marks that every phone can show")
    return value.strip()


def check_languages(value: tuple[str, ...]) -> tuple[str, ...]:
    """Languages we have words in, each once. Raises ValueError for others."""
    if unknown := [language for language in value if language not in LANGUAGES]:
        raise ValueError(f"there are no words in {', '.join(unknown)}; possible: {', '.join(LANGUAGES)}")
    if len(set(value)) != len(value):
        raise ValueError("each language once")
    return value


class UssdSettings(Category):
    """What the customer reads, how long a session lives, and how quickly we must answer."""

    slug: ClassVar[str] = "ussd"
    title: ClassVar[str] = "USSD"

    service_name: Annotated[str, AfterValidator(check_gsm7)] = Field(
        "Starhash",
        min_length=1,
        max_length=LONGEST_SERVICE_NAME,
        description="Name of the service, as it stands on the screens",
    )
    contact: Annotated[str, AfterValidator(check_gsm7)] = Field(
        "", max_length=LONGEST_CONTACT, description="Where customers get help, such as a phone number. Empty: not said"
    )
    supported_languages: Annotated[tuple[str, ...], AfterValidator(check_languages)] = Field(
        ("en", "rw", "sw", "fr"),
        min_length=1,
        description="Languages customers may choose from, in this order. With one only, nobody is asked",
    )
    default_language: str = Field(
        "en", description="Language of a customer who has not chosen, and of words said before we know who dials"
    )
    session_timeout_seconds: int = Field(
        180, ge=30, le=600, description="Seconds after which a session without input is forgotten"
    )
    deadline_seconds: float = Field(
        8.0, ge=4, le=9.5, description="Seconds within which every turn is answered, whatever happens. Gateways give 10"
    )
    turns_per_minute: int = Field(
        60, ge=5, le=10_000, description="Turns one phone may make in a minute; more are asked to try later"
    )
    texts: dict[str, dict[str, str]] = Field(
        {}, description='Words in place of ours: {"promo.prompt": {"en": "...", "rw": "..."}}'
    )

    def refusals(self) -> dict[str, list[str]]:
        """A default language nobody can choose, and words no screen could show."""
        found: dict[str, list[str]] = {}
        if self.default_language not in self.supported_languages:
            found["default_language"] = ["Must be one of the supported languages."]
        for key, by_language in self.texts.items():
            for language, words in by_language.items():
                try:
                    check_words(key, language=language, words=words)
                except WordsRefused as error:
                    found.setdefault("texts", []).append(str(error))
        return found
