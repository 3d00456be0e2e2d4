"""Amounts as text and as hundredths."""

import pytest

from sandbox.amounts import InvalidAmount, number_amount, parse_amount, show_amount


@pytest.mark.parametrize(
    ("text", "minor_units", "hundredths", "shown", "number"),
    [
        ("500", 0, 50_000, "500", 500),
        ("500", 2, 50_000, "500", 500),
        ("12.5", 2, 1_250, "12.5", 12.5),
        ("12.50", 2, 1_250, "12.5", 12.5),
        ("12.05", 2, 1_205, "12.05", 12.05),
        ("0.01", 2, 1, "0.01", 0.01),
        ("999999999999", 0, 99_999_999_999_900, "999999999999", 999_999_999_999),
    ],
)
def test_amount_is_read_and_shown(text, minor_units, hundredths, shown, number):
    assert parse_amount(text, minor_units=minor_units) == hundredths
    assert show_amount(hundredths) == shown
    assert number_amount(hundredths) == number


@pytest.mark.parametrize("text", ["", " ", "5 ", "-5", "+5", "5,0", "5e2", ".5", "5.", "1.234", "٥", "1" * 13])
def test_text_that_is_no_amount_is_refused(text):
    with pytest.raises(InvalidAmount):
        parse_amount(text, minor_units=2)


def test_decimals_are_refused_in_a_currency_without_minor_units():
    with pytest.raises(InvalidAmount):
        parse_amount("5.0", minor_units=0)
