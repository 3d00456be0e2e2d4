"""Money at the edges."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import MINOR_UNITS, UnknownCurrency, format_amount, is_payable, quantize, wire_amount


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("5000", "RWF", "RWF 5,000"),
        ("5000.00", "RWF", "RWF 5,000"),
        ("1250.50", "KES", "KES 1,250.50"),
        ("1250", "KES", "KES 1,250"),
        ("0", "RWF", "RWF 0"),
        ("-5", "EUR", "EUR -5"),
    ],
)
def test_format_amount_for_people(amount: str, currency: str, words: str) -> None:
    assert format_amount(Decimal(amount), currency) == words


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("1.5", "RWF", "2"), ("2.5", "RWF", "3"), ("1.005", "EUR", "1.01"), ("1.004", "EUR", "1.00")],
)
def test_quantize_rounds_half_up(amount: str, currency: str, rounded: str) -> None:
    assert str(quantize(Decimal(amount), currency)) == rounded


def test_whole_amounts_go_out_as_integers() -> None:
    assert json.dumps([wire_amount(Decimal("8000.00"), "RWF"), wire_amount(Decimal("12.50"), "EUR")]) == "[8000, 12.5]"


@given(amount=st.decimals(min_value=0, max_value=10**12 - 1, places=2), currency=st.sampled_from(sorted(MINOR_UNITS)))
def test_wire_amount_loses_no_digit(amount: Decimal, currency: str) -> None:
    on_the_wire = json.dumps(wire_amount(amount, currency))

    assert Decimal(on_the_wire) == quantize(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "payable"),
    [("1.5", "RWF", False), ("1.5", "EUR", True), ("1.555", "EUR", False), ("NaN", "EUR", False), ("7", "RWF", True)],
)
def test_is_payable(amount: str, currency: str, payable: bool) -> None:
    assert is_payable(Decimal(amount), currency) is payable


def test_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrency, match="XYZ"):
        format_amount(Decimal(1), "XYZ")
