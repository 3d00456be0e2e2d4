"""Rules of promotions that staff may change (spec 5, "Business Logic Configuration"; contract section 4)."""

from datetime import date, timedelta
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from configuration.categories import Category
from configuration.selectors import current
from ledger.money import MINOR_UNITS
from promos.codes import CODE_CHARACTERS, DEFAULT_ALPHABET
from promos.models import GenerationRun

MOST_CODES_PER_RUN = 1_000_000
SHORTEST_ALPHABET = 10


def check_alphabet(value: str) -> str:
    """Characters a code can be made of, each once. Raises ValueError for others."""
    if not set(value) <= set(CODE_CHARACTERS):
        raise ValueError("only the letters A to Z and the digits 0 to 9, without spaces")
    if len(set(value)) != len(value):
        twice = sorted({character for character in value if value.count(character) > 1})
        raise ValueError(f"each character once; repeated: {', '.join(twice)}")
    return value


def check_time_zone(value: str) -> str:
    """A zone of the time zone database. Raises ValueError for anything else."""
    if value not in available_timezones():
        raise ValueError("must be a time zone such as Africa/Kigali")
    return value


def check_currency(value: str) -> str:
    """A currency whose minor units we know. Raises ValueError for others."""
    if value not in MINOR_UNITS:
        raise ValueError(f"must be one of {', '.join(sorted(MINOR_UNITS))}")
    return value


Count = Annotated[int, Field(ge=0, le=1_000_000)]


class PromoRules(Category):
    """How codes are made, how long they live, and how often a customer may try and redeem. 0 means no limit."""

    slug: ClassVar[str] = "promos"
    title: ClassVar[str] = "Promo rules"
    never_guessed: ClassVar[frozenset[str]] = frozenset(
        {
            "grace_period_hours",
            "max_redemptions_per_customer",
            "max_redemptions_per_customer_per_batch",
            "max_redemptions_per_customer_per_day",
            "cooldown_minutes",
        }
    )

    alphabet: Annotated[str, AfterValidator(check_alphabet)] = Field(
        DEFAULT_ALPHABET,
        min_length=SHORTEST_ALPHABET,
        max_length=len(CODE_CHARACTERS),
        description="Characters new codes are made of. The default leaves out O and 0, I and 1, which people "
        "confuse. Codes made before a change stay valid",
    )
    check_character_from: date | None = Field(
        None,
        description="Codes made from this day on carry a check character, so that a mistyped one is recognised "
        "without looking it up. Codes of earlier days stay valid. Empty: no check character",
    )
    max_codes_per_run: int = Field(
        100_000, ge=1, le=MOST_CODES_PER_RUN, description="Most codes one generation run may make"
    )
    min_expiration_days: int = Field(0, ge=0, le=36_500, description="A batch must run at least so many days")
    default_expiration_days: int = Field(
        90, ge=1, le=36_500, description="Days a new batch runs when nothing else is said"
    )
    max_expiration_days: int = Field(36_500, ge=1, le=36_500, description="A batch may run at most so many days")
    grace_period_hours: int = Field(
        0, ge=0, le=8_760, description="Hours after the expiration date during which codes are still accepted"
    )
    max_redemptions_per_customer: Count = Field(0, description="Codes one customer may redeem in all; 0: no limit")
    max_redemptions_per_customer_per_batch: Count = Field(
        0, description="Codes of one batch that one customer may redeem; 0: no limit"
    )
    max_redemptions_per_customer_per_day: Count = Field(
        0, description="Codes one customer may redeem in a calendar day; 0: no limit"
    )
    cooldown_minutes: int = Field(
        0, ge=0, le=43_200, description="Minutes a customer waits between two redemptions; 0: none"
    )
    attempts_per_minute: int = Field(5, ge=1, le=10_000, description="Wrong codes a phone may try in a minute")
    attempts_per_hour: int = Field(30, ge=1, le=10_000, description="Wrong codes a phone may try in an hour")
    attempts_per_day: int = Field(100, ge=1, le=10_000, description="Wrong codes a phone may try in 24 hours")
    block_minutes: int = Field(
        60, ge=1, le=10_080, description="Minutes a phone is shut out once it tried more wrong codes than allowed"
    )
    lock_wait_seconds: int = Field(
        4,
        ge=1,
        le=30,
        description="Longest wait for a code that another request is redeeming; then the customer is asked to "
        "try later. Keep it below the USSD gateway's deadline",
    )
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = Field(
        "Africa/Kigali", description="Zone of the dates printed in codes, of expiration dates and of daily limits"
    )
    default_currency: Annotated[str, AfterValidator(check_currency)] = Field(
        "RWF", description="Currency of a new batch when nothing else is said"
    )

    @property
    def zone(self) -> ZoneInfo:
        """The country's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def grace(self) -> timedelta:
        """How long codes are accepted after their expiration date."""
        return timedelta(hours=self.grace_period_hours)

    def refusals(self) -> dict[str, list[str]]:
        """Days and attempts in the wrong order; a check character for codes that were made without one."""
        found: dict[str, list[str]] = {}
        if not self.min_expiration_days <= self.default_expiration_days <= self.max_expiration_days:
            found["default_expiration_days"] = ["Must lie between the smallest and the largest number of days."]
        if self.attempts_per_hour < self.attempts_per_minute:
            found["attempts_per_hour"] = ["Cannot be fewer than the attempts allowed in a minute."]
        if self.attempts_per_day < self.attempts_per_hour:
            found["attempts_per_day"] = ["Cannot be fewer than the attempts allowed in an hour."]
        if self._would_refuse_stored_codes():
            found["check_character_from"] = [
                "Codes without a check character were made on or after that day. Choose a day after today."
            ]
        return found

    def _would_refuse_stored_codes(self) -> bool:
        """Whether codes of a day that the new date covers, and the old one did not, have been ordered."""
        if self.check_character_from is None:
            return False
        uncovered = GenerationRun.objects.filter(code_date__gte=self.check_character_from)
        if before := current(PromoRules).check_character_from:
            uncovered = uncovered.filter(code_date__lt=before)
        return uncovered.exists()
