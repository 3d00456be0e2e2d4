"""Money at the edges: how many decimals a currency has, and how an amount is written for people and on the wire."""

from decimal import ROUND_HALF_UP, Decimal

# Decimals of the currencies we handle (ISO 4217). A currency that is not here is refused rather than guessed.
MINOR_UNITS = {
    "EUR": 2,
    "GHS": 2,
    "KES": 2,
    "NGN": 2,
    "RWF": 0,
    "TZS": 2,
    "UGX": 0,
    "USD": 2,
    "XAF": 0,
    "XOF": 0,
    "ZAR": 2,
    "ZMW": 2,
}


class UnknownCurrency(ValueError):
    """No such currency here."""

    code = "UNKNOWN_CURRENCY"


def minor_units(currency: str) -> int:
    """Decimals of the currency. Raises UnknownCurrency."""
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise UnknownCurrency(f"Unknown currency {currency!r}; known: {', '.join(MINOR_UNITS)}") from None


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The amount rounded half up to what can be paid in this currency. Raises UnknownCurrency."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def is_payable(amount: Decimal, currency: str) -> bool:
    """Whether the amount is finite and has no more decimals than the currency. Raises UnknownCurrency."""
    return amount.is_finite() and amount == quantize(amount, currency)


def format_amount(amount: Decimal, currency: str) -> str:
    """For people: `RWF 5,000`, `KES 1,250.50`; decimals only where there are any. Raises UnknownCurrency."""
    rounded = quantize(amount, currency)
    decimals = 0 if rounded == rounded.to_integral_value() else minor_units(currency)
    return f"{currency} {rounded:,.{decimals}f}"


def wire_amount(amount: Decimal, currency: str) -> int | float:
    """For JSON: `8000`, `1250.5` (contract section 1: a number, whole amounts as integers).

    A float only leaves through here, never to be computed with: below 10^13 its shortest form has the very
    digits of the amount. Raises UnknownCurrency.
    """
    rounded = quantize(amount, currency)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
