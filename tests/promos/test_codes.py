"""What a code looks like: the format, tolerant reading, and a check character that misses no single mistake."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promos import codes
from promos.codes import (
    CHECK_PLACE,
    CODE_CHARACTERS,
    DEFAULT_ALPHABET,
    check_character,
    generate_codes,
    hyphenate,
    is_valid_code,
    normalise_code,
    printed_date,
    random_characters,
    read_code,
)

DAY = date(2026, 11, 20)
ALWAYS = date(2000, 1, 1)


def make(count: int = 1, *, made_on: date = DAY, alphabet: str = DEFAULT_ALPHABET, check_from: date | None = None):
    return generate_codes(count=count, made_on=made_on, alphabet=alphabet, check_from=check_from)


def test_code_has_the_format_and_the_day() -> None:
    code = make(made_on=date(2031, 2, 3))[0]

    parts = hyphenate(code).split("-")
    assert [len(part) for part in parts] == [4, 4, 4, 4]
    assert [part[2:] for part in parts[1:]] == ["31", "02", "03"]
    assert printed_date(code) == date(2031, 2, 3)


def test_default_alphabet_leaves_out_what_people_confuse() -> None:
    assert set(CODE_CHARACTERS) - set(DEFAULT_ALPHABET) == set("O0I1")
    assert len(DEFAULT_ALPHABET) == 32
    assert set("".join(code[:6] + code[8:10] + code[12:14] for code in make(2000))) == set(DEFAULT_ALPHABET)


@pytest.mark.parametrize("alphabet", ["ABCDEFGHJK", DEFAULT_ALPHABET, CODE_CHARACTERS])
def test_every_byte_of_entropy_is_used_without_favour(alphabet: str) -> None:
    """Each of the 256 byte values once: every character comes equally often, the rest is thrown away."""

    def every_byte(count: int) -> bytes:
        return bytes(range(256)) * (count // 256 + 1)

    drawn = random_characters(1, alphabet=alphabet, entropy=every_byte)

    assert set(Counter(drawn).values()) == {256 // len(alphabet)}
    assert set(drawn) == set(alphabet)


@pytest.mark.parametrize(
    "typed",
    [
        "A1B2-C326-5D11-6E20",
        "a1b2-c326-5d11-6e20",
        "A1B2C3265D116E20",
        " a1b2 c326 5d11 6e20 ",
        "A1B2–C326—5D11‑6E20",
        "A1B2\u00a0C326\u00a05D11\u00a06E20",
        "Ａ１Ｂ２－Ｃ３２６－５Ｄ１１－６Ｅ２０",
        "ａ１ｂ２ｃ３２６５ｄ１１６ｅ２０",
        "A1B2-C326-5DIL-6E2O",
        "a1b2-c326-5dil-6e2o",
    ],
)
def test_code_is_read_as_people_type_it(typed: str) -> None:
    assert read_code(typed, check_from=None) == "A1B2C3265D116E20"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "A1B2-C326-5D11-6E2",
        "A1B2-C326-5D11-6E200",
        "A1B2-C326-5D13-6E20",  # month 13
        "A1B2-C326-5D02-6E30",  # 30 February
        "A1B2-C327-5D02-6E29",  # no leap year
        "A1B2-C326-5D00-6E20",
        "A1B2-C3S6-5D11-6E20",  # S is no digit
        "A1B2_C326_5D11_6E20",
        "ÄÖB2-C326-5D11-6E20",
        "ßSB2-C326-5D11-6E2",  # 'ß'.upper() would make two letters of it
        "ıIB2C3265D116E20",
        "A1B2-C326-5D11-6E²0",
        "A1B2-C326-5D11-6E٢٠",
        "A1B2*C326*5D11*6E20#",
        "A1B2-C326-5D11-6E20 " * 9,
    ],
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert read_code(typed, check_from=None) is None


@given(st.text(max_size=40))
def test_reading_never_fails_and_gives_stored_form_or_nothing(typed: str) -> None:
    code = normalise_code(typed)
    assert code is None or (len(code) == 16 and set(code) <= set(CODE_CHARACTERS))


def test_leap_day_is_a_day() -> None:
    assert read_code("A1B2-C328-5D02-6E29", check_from=None) == "A1B2C3285D026E29"


@pytest.mark.parametrize("alphabet", ["ABCDEFGHJK", "0123456789", DEFAULT_ALPHABET, CODE_CHARACTERS])
def test_check_character_catches_every_single_wrong_character(alphabet: str) -> None:
    for code in make(25, alphabet=alphabet, check_from=ALWAYS):
        assert read_code(code, check_from=ALWAYS) == code
        for place, right in enumerate(code):
            for wrong in CODE_CHARACTERS.replace(right, ""):
                mistyped = code[:place] + wrong + code[place + 1 :]
                # A letter in the date is read as the digit it can only mean, and may so be the right code.
                read = read_code(mistyped, check_from=ALWAYS)
                assert read is None or read == code, f"{code} typed as {mistyped} was read as {read}"


def test_check_character_catches_nearly_all_swaps_of_neighbours() -> None:
    swaps = missed = 0
    for code in make(400, check_from=ALWAYS):
        for place in range(15):
            swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
            if swapped != code:
                swaps += 1
                missed += read_code(swapped, check_from=ALWAYS) is not None
    assert swaps > 4000
    assert missed / swaps < 0.01


def test_check_character_follows_iso_7064() -> None:
    """The standard's own example for MOD 37,36: the check character of A12425GABC1234002 is M."""
    state = 36
    for character in "A12425GABC1234002":
        state = codes._STEP[state][character]

    assert codes._CHECK[state] == "M"


@pytest.mark.parametrize("alphabet", ["ABCDEFGHJK", DEFAULT_ALPHABET])
def test_check_character_is_of_the_alphabet(alphabet: str) -> None:
    for code in make(200, alphabet=alphabet, check_from=DAY):
        assert code[CHECK_PLACE] == check_character(code)
        assert set(code[:6] + code[8:10] + code[12:14]) <= set(alphabet)


def test_codes_of_earlier_days_stay_valid_when_the_check_character_is_switched_on() -> None:
    old = make(200, made_on=date(2026, 11, 19))
    new = make(200, made_on=DAY, check_from=DAY)

    assert all(is_valid_code(code, check_from=DAY) for code in old + new)
    # Without a check character about one in 36 would pass by chance.
    assert sum(is_valid_code(code, check_from=DAY) for code in make(400)) < 60


def test_codes_stay_valid_when_the_alphabet_changes() -> None:
    """The check is computed over all letters and digits, so nothing needs to know which alphabet was in force."""
    before = make(50, alphabet=CODE_CHARACTERS, check_from=DAY)
    after = make(50, alphabet="ACDEFGHJKM", check_from=DAY)

    assert all(is_valid_code(code, check_from=DAY) for code in before + after)
