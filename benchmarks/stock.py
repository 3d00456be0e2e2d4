"""What the benchmarks' databases hold: names and numbers that the acts and the suites agree on."""

GATEWAY = "bench-at"
SERVICE_CODE = "*123#"
PARTNER = "bench@starhash.example"
BATCH = "Benchmark"
AMOUNT = 500
CURRENCY = "RWF"
# The most the batch may spend: never reached, but each redemption takes from it, as in a real campaign.
BUDGET = 9_000_000_000
# Borrowers have other phones, of a market that lends: MTN Nigeria, +234 803 and seven digits.
BORROWER_PREFIX = "+234"
FIRST_BORROWER = 8_031_000_000


def phone(number: int) -> str:
    """The number-th customer's phone, E.164, MTN Rwanda. Raises ValueError above nine million."""
    if not 0 <= number < 9_000_000:
        raise ValueError(f"there is no customer {number}")
    return f"+25078{1_000_000 + number}"


def borrower(number: int) -> str:
    """The number-th borrower's phone, E.164. Raises ValueError above nine million."""
    if not 0 <= number < 9_000_000:
        raise ValueError(f"there is no borrower {number}")
    return f"{BORROWER_PREFIX}{FIRST_BORROWER + number}"
