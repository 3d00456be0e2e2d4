"""Phone numbers, each row of the table in the reference, and the rules that follow from it."""

import pytest

from accounts.phone_numbers import InvalidPhoneNumber, digits, local_form, mask_phone, parse_phone

ACCEPTED = [
    # raw, region, E.164
    ("+2348012345678", "NG", "+2348012345678"),
    ("08012345678", "NG", "+2348012345678"),
    ("8012345678", "NG", "+2348012345678"),
    ("2348012345678", "NG", "+2348012345678"),
    ("+23408012345678", "NG", "+2348012345678"),
    ("08031234567", "NG", "+2348031234567"),
    ("0092348031234567", "NG", "+2348031234567"),
    ("002348031234567", "NG", "+2348031234567"),
    ("254701234567", "KE", "+254701234567"),
    ("0701234567", "KE", "+254701234567"),
    ("701234567", "KE", "+254701234567"),
    ("+2540701234567", "KE", "+254701234567"),
    ("0110123456", "KE", "+254110123456"),
    ("+254101234567", "KE", "+254101234567"),
    # `phonenumbers` alone refuses 00 in Kenya; people write it, and our first step reads it.
    ("00254701234567", "KE", "+254701234567"),
    ("000254701234567", "KE", "+254701234567"),
    ("+250788123456", "RW", "+250788123456"),
    ("0788123456", "RW", "+250788123456"),
    ("788123456", "RW", "+250788123456"),
    ("250788123456", "RW", "+250788123456"),
    ("0728123456", "RW", "+250728123456"),
    ("00250788123456", "RW", "+250788123456"),
    # Decoration.
    ("0788 123 456", "RW", "+250788123456"),
    ("(0788) 123-456", "RW", "+250788123456"),
    ("+250.788.123.456", "RW", "+250788123456"),
    ("0788\u00a0123\u202f456", "RW", "+250788123456"),
    ("  0788123456  ", "RW", "+250788123456"),
    # A plus that a form decoder turned into a space.
    (" 254701234567", "KE", "+254701234567"),
    (" 250788123456", "RW", "+250788123456"),
]

REFUSED = [
    ("+25470123456", "KE"),  # one digit short: possible, not valid
    ("", "RW"),
    ("*384#", "RW"),
    ("*384#", "KE"),
    ("254711XXXYYY", "KE"),  # letters are not keypad digits
    ("0788-FLOWER", "RW"),
    ("\u0660\u0667\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "KE"),  # Arabic-Indic digits
    ("46733123450", "RW"),
    ("+46733123450", "RW"),  # another country
    ("2348012345678", "RW"),
    ("+254701234567", "RW"),
    ("0252123456", "RW"),  # a fixed line
    ("+250252123456", "RW"),
    ("078812345", "RW"),
    ("07881234567", "RW"),
    ("++250788123456", "RW"),
    ("+250788123456;ext=1", "RW"),
    ("0788123456\n", "RW"),
    ("0788123456\x00", "RW"),
    ("+" + "1" * 500, "RW"),
    (" " * 500 + "0788123456", "RW"),
    (None, "RW"),
    (250788123456, "RW"),
]


@pytest.mark.parametrize(("raw", "region", "expected"), ACCEPTED)
def test_parse_phone_reads_usual_forms(raw: str, region: str, expected: str, settings) -> None:
    settings.SANDBOX = False

    assert parse_phone(raw, region=region) == expected


@pytest.mark.parametrize(("raw", "region"), REFUSED)
def test_parse_phone_refuses(raw: str, region: str, settings) -> None:
    settings.SANDBOX = False

    with pytest.raises(InvalidPhoneNumber) as refusal:
        parse_phone(raw, region=region)

    assert refusal.value.code == "INVALID_PHONE"
    assert str(refusal.value) == "This is not a valid mobile phone number."


@pytest.mark.parametrize("raw", ["+46733123450", "46733123450", " 46733123450", "0046733123450"])
def test_parse_phone_takes_sandbox_numbers_only_in_sandbox_mode(raw: str, settings) -> None:
    settings.SANDBOX = True
    assert parse_phone(raw, any_country=True) == "+46733123450"
    with pytest.raises(InvalidPhoneNumber):
        parse_phone(raw)

    settings.SANDBOX = False
    with pytest.raises(InvalidPhoneNumber):
        parse_phone(raw, any_country=True)


@pytest.mark.parametrize(("raw", "region", "expected"), ACCEPTED)
def test_parse_phone_reads_own_country_the_same_with_any_country(
    raw: str, region: str, expected: str, settings
) -> None:
    settings.SANDBOX = True

    assert parse_phone(raw, region=region, any_country=True) == expected


@pytest.mark.parametrize("raw", ["254711XXXYYY", "", "*384#", "+25470123456", "+250252123456"])
def test_parse_phone_with_any_country_still_wants_a_mobile_number(raw: str, settings) -> None:
    settings.SANDBOX = True

    with pytest.raises(InvalidPhoneNumber):
        parse_phone(raw, any_country=True)


def test_digits_drops_the_plus() -> None:
    assert digits("+250788123456") == "250788123456"


@pytest.mark.parametrize(
    ("e164", "expected"),
    [
        ("+250788123456", "0788123456"),
        ("+254701234567", "0701234567"),
        ("+2348031234567", "08031234567"),
        ("+46733123450", "0733123450"),
    ],
)
def test_local_form_is_what_people_write_at_home(e164: str, expected: str) -> None:
    assert local_form(e164) == expected


@pytest.mark.parametrize(("e164", "expected"), [("+250788123456", "+250…456"), ("+2507881", "…"), ("", "…")])
def test_mask_phone_hides_the_middle(e164: str, expected: str) -> None:
    assert mask_phone(e164) == expected
