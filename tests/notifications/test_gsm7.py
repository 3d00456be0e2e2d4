"""The alphabet of SMS and USSD."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.gsm7 import BASIC, EXTENSION, cut, is_gsm7, septets, sms_parts, to_gsm7

# 3GPP TS 23.038 section 6.2.1, row by row as printed there, without the escape at 0x1B.
TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def test_tables_hold_what_the_standard_prints():
    assert frozenset(TABLE) == BASIC
    assert len(BASIC) == 127
    assert frozenset("^{}\\[~]|€") == EXTENSION


@pytest.mark.parametrize(("text", "cost"), [("", 0), ("abc", 3), ("é\n@", 3), ("€", 2), ("[5]", 5), ("a" * 160, 160)])
def test_septets_count_extension_twice(text, cost):
    assert septets(text) == cost


def test_septets_of_a_foreign_character_is_an_error():
    with pytest.raises(ValueError, match="'₦' is not in the GSM-7 alphabet"):
        septets("₦")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("₦5,000", "NGN 5,000"),
        ("’quoted’ “words”", "'quoted' \"words\""),
        ("5–7 — x…", "5-7 - x..."),
        ("façade, être, œuvre, Noël", "facade, etre, oeuvre, Noel"),
        ("é è à ù ì ò ñ Ü", "é è à ù ì ò ñ Ü"),
        ("ẹ ọ ị ṣ Ẹ Ọ Ṣ", "e o i s E O S"),
        ("o\u0323\u0301 e\u0301", "o é"),
        ("a`b", "a'b"),
        ("hi 🎉 你", "hi ? ?"),
        ("a\u200bb\u0000c\ufeffd", "abcd"),
        ("a\r\nb\rc\td", "a\nb\nc d"),
        ("a\u00a0b", "a b"),
        ("ﬁ Ⅳ ²", "fi IV 2"),
        ("Ł ø ß", "L ø ß"),
    ],
)
def test_to_gsm7_comes_as_near_as_the_alphabet_allows(text, near):
    assert to_gsm7(text) == near


@given(st.text())
def test_to_gsm7_always_ends_in_the_alphabet_and_changes_nothing_twice(text):
    near = to_gsm7(text)

    assert is_gsm7(near)
    assert to_gsm7(near) == near
    assert septets(near) >= len(near)


def test_every_character_of_the_alphabet_stays_itself():
    kept = "".join(sorted(BASIC | EXTENSION)).replace("\r", "")

    assert to_gsm7(kept) == kept


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2), ("€" * 153, 3)],
)
def test_sms_parts_never_split_a_pair(text, parts):
    assert sms_parts(text) == parts


@pytest.mark.parametrize(
    ("text", "limit", "kept"), [("abc", 2, "ab"), ("a€b", 2, "a"), ("a€b", 3, "a€"), ("ab", 9, "ab")]
)
def test_cut_counts_septets(text, limit, kept):
    assert cut(text, limit=limit) == kept
