"""Promo rules: what staff may not save, and that codes never become invalid by a change of rules."""

from datetime import date, datetime, timedelta

import pytest
from pydantic import ValidationError

from promos.codes import CODE_CHARACTERS
from promos.configuration import PromoRules
from promos.models import Batch
from tests.promos.conftest import make_codes

DEFAULTS = PromoRules()


def test_defaults_are_those_of_the_contract() -> None:
    assert (DEFAULTS.attempts_per_minute, DEFAULTS.attempts_per_hour, DEFAULTS.attempts_per_day) == (5, 30, 100)
    assert (DEFAULTS.block_minutes, DEFAULTS.max_codes_per_run) == (60, 100_000)
    assert (DEFAULTS.time_zone, DEFAULTS.default_currency) == ("Africa/Kigali", "RWF")
    assert DEFAULTS.check_character_from is None


@pytest.mark.parametrize(
    "values",
    [
        {"alphabet": "ABCDEFGHJ"},
        {"alphabet": "ABCDEFGHJA"},
        {"alphabet": "abcdefghjk"},
        {"alphabet": "ABCDEFGH-K"},
        {"alphabet": "ABCDEFGHÉK"},
        {"alphabet": "ABCDEFGH K"},
        {"max_codes_per_run": 1_000_001},
        {"max_codes_per_run": 0},
        {"attempts_per_minute": 0},
        {"block_minutes": 0},
        {"lock_wait_seconds": 31},
        {"time_zone": "Africa/Atlantis"},
        {"default_currency": "XYZ"},
        {"cooldown_minutes": -1},
        {"max_redemptions_per_customer": -1},
    ],
)
def test_impossible_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PromoRules(**values)


def test_largest_and_smallest_alphabets_are_accepted() -> None:
    assert PromoRules(alphabet=CODE_CHARACTERS).alphabet == CODE_CHARACTERS
    assert PromoRules(alphabet="0123456789").alphabet == "0123456789"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"min_expiration_days": 91}, "default_expiration_days"),
        ({"max_expiration_days": 89}, "default_expiration_days"),
        ({"attempts_per_minute": 31}, "attempts_per_hour"),
        ({"attempts_per_hour": 101}, "attempts_per_day"),
    ],
)
def test_values_that_contradict_each_other_may_not_be_saved(values: dict[str, int], field: str) -> None:
    assert list(PromoRules(**values).refusals()) == [field]


@pytest.mark.django_db
def test_check_character_cannot_be_switched_on_for_codes_that_lack_it(batch: Batch, now: datetime, rules) -> None:
    made_on = now.astimezone(DEFAULTS.zone).date()
    assert PromoRules(check_character_from=made_on).refusals() == {}
    make_codes(batch, 1, at=now)

    refused = PromoRules(check_character_from=made_on).refusals()
    assert list(refused) == ["check_character_from"]
    tomorrow = PromoRules(check_character_from=made_on + timedelta(days=1))
    assert tomorrow.refusals() == {}

    # Once it is on, saving the other settings goes on working, and an earlier day is judged by what lies between.
    rules(check_character_from=made_on)
    assert PromoRules(check_character_from=made_on, cooldown_minutes=5).refusals() == {}
    assert PromoRules(check_character_from=date(2020, 1, 1)).refusals() == {}
    rules(check_character_from=made_on + timedelta(days=1))
    assert list(PromoRules(check_character_from=made_on).refusals()) == ["check_character_from"]
