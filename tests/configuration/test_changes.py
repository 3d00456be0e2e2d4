"""From what a person typed to values, without a database."""

from decimal import Decimal

import pytest
from pydantic import SecretStr

from configuration.changes import FieldChange, InvalidConfiguration, apply_changes, changed_fields
from configuration.storage import MASK, from_stored, to_shown, to_stored
from tests.configuration.categories import Provider, Shop


def test_change_replaces_only_what_it_names():
    after = apply_changes(Shop(), {"staff": 5, "hours": [7, 20]})

    assert after == Shop(staff=5, hours=[7, 20])


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"staff": 12}, {"staff": ["Input should be less than or equal to 9."]}),
        ({"staff": "many"}, {"staff": ["Input should be a valid integer, unable to parse string as an integer."]}),
        ({"mode": "barter"}, {"mode": ["Input should be 'cash' or 'card'."]}),
        ({"hours": [8, "x"]}, {"hours": ["1: Input should be a valid integer, unable to parse string as an integer."]}),
        ({"hours": [18, 8]}, {"__all__": ["The shop must open before it closes."]}),
        ({"colour": "red"}, {"colour": ["Shop has no such setting."]}),
        ({"name": "Taken"}, {"name": ["This name is taken."]}),
        ({"words": {"$secret": "x"}}, {"words": ["An object of this form is kept for stored secrets."]}),
    ],
)
def test_bad_value_is_refused_by_field(changes, errors):
    with pytest.raises(InvalidConfiguration) as refused:
        apply_changes(Shop(), changes)

    assert refused.value.errors == errors


def test_secret_handed_back_as_its_mask_is_kept():
    before = Shop(till_key="t", provider=Provider(token=SecretStr("p")), keys={"front": SecretStr("f")})

    after = apply_changes(
        before,
        {
            "till_key": MASK,
            "provider": {"name": "airtel", "token": MASK},
            "keys": {"front": MASK, "back": "b"},
        },
    )

    assert after.till_key == SecretStr("t")
    assert after.provider == Provider(name="airtel", token=SecretStr("p"))
    assert after.keys == {"front": SecretStr("f"), "back": SecretStr("b")}


def test_changed_fields_show_no_secret_and_say_which_one_is_new():
    before = Shop(till_key="one", keys={"front": SecretStr("f"), "back": SecretStr("b")}, price=Decimal("1.20"))
    after = Shop(till_key="two", keys={"front": SecretStr("f"), "back": SecretStr("c")}, price=Decimal("1.30"))

    assert changed_fields(before, after) == [
        FieldChange("price", "1.20", "1.30"),
        FieldChange("till_key", "********", "******** (new)"),
        FieldChange("keys", {"front": MASK, "back": MASK}, {"front": MASK, "back": "******** (new)"}),
    ]


def test_first_and_last_secret_show_as_set_and_empty():
    assert changed_fields(Shop(), Shop(till_key="x")) == [FieldChange("till_key", "", MASK)]
    assert changed_fields(Shop(till_key="x"), Shop()) == [FieldChange("till_key", MASK, "")]


def test_stored_values_come_back_equal_with_secrets_encrypted():
    category = Shop(
        open=False,
        price=Decimal("0.10"),
        till_key="geheim",
        provider=Provider(token=SecretStr("tief")),
        keys={"front": SecretStr("tür")},
        note="x",
    )

    stored = to_stored(category, set(Shop.model_fields))

    assert from_stored(Shop, stored) == category
    assert not [secret for secret in ("geheim", "tief", "tür") if secret in str(stored)]


def test_shown_values_mask_every_secret():
    shown = to_shown(Shop(till_key="geheim", provider=Provider(token=SecretStr("tief"))))

    assert shown["till_key"] == MASK
    assert shown["provider"] == {"name": "mtn", "token": MASK}
    assert to_shown(Shop())["till_key"] == ""


def test_field_dropped_from_the_code_is_ignored():
    assert from_stored(Shop, {"staff": 3, "parking": True}) == Shop(staff=3)


def test_value_that_no_longer_fits_takes_its_default_and_leaves_the_others():
    assert from_stored(Shop, {"staff": 99, "name": "Big shop"}) == Shop(name="Big shop")


def test_values_that_contradict_each_other_fall_back_to_defaults():
    assert from_stored(Shop, {"hours": [18, 8], "name": "Big shop"}) == Shop()


def test_unreadable_secret_takes_its_default_and_leaves_the_others():
    assert from_stored(Shop, {"till_key": {"$secret": "damaged"}, "staff": 3}) == Shop(staff=3)
