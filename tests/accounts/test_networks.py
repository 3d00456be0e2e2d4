"""Networks by code and by prefix."""

import pytest

from accounts import networks
from accounts.networks import NETWORK_BY_PREFIX, NETWORK_CODES, network_of


@pytest.mark.parametrize(
    ("phone", "code", "expected"),
    [
        # The code wins: a ported number is served by another network.
        ("+254701234567", "63903", "Airtel KE"),
        ("+250788123456", " 63514 ", "Airtel RW"),
        # The simulator's code and unknown ones fall back to the prefix.
        ("+250788123456", "99999", "MTN RW"),
        ("+250788123456", "12345", "MTN RW"),
        ("+250728123456", "", "Airtel RW"),
        ("+250778123456", "", "KtRN RW"),
        ("+2348012345678", "", "MAFAB NG"),
        ("+2348031234567", "", "MTN NG"),
        ("+2347025123456", "", "MTN NG"),
        ("+2347021123456", "", "Ntel NG"),
        ("+254701234567", "", "Safaricom KE"),
        ("+254110123456", "", "Safaricom KE"),
        ("+254101234567", "", "Airtel KE"),
        ("+254763123456", "", "Airtel KE"),
        ("+254744123456", "", "Homeland Media KE"),
        # Nothing known.
        ("+46733123450", "", ""),
        ("+46733123450", "77777", "77777"),
        ("+46733123450", "7" * 60, "7" * 40),
        ("+254109123456", "", ""),
        ("", "", ""),
    ],
)
def test_network_of(phone: str, code: str, expected: str) -> None:
    assert network_of(phone, code) == expected


def test_network_names_fit_the_customer_row() -> None:
    names = {*NETWORK_CODES.values(), *NETWORK_BY_PREFIX.values()}

    assert max(map(len, names)) <= 40


def test_no_prefix_belongs_to_two_operators() -> None:
    prefixes = [f"+{code}{prefix}" for _, code, _, listed in networks._PREFIXES for prefix in networks._expand(listed)]

    assert len(prefixes) == len(set(prefixes)) == len(NETWORK_BY_PREFIX)
