"""Which network serves a phone. Names are the operator and the country: `MTN RW`.

The gateway's network code tells the network that serves the phone now. The prefix tells who first gave the number
out, which number portability (Nigeria, Kenya) makes a hint only.
"""

from collections.abc import Iterator

# Africa's Talking's `networkCode`. 99999 is its simulator, no network: left out, so that the prefix decides.
NETWORK_CODES = {
    "62001": "MTN GH",
    "62002": "Vodafone GH",
    "62006": "AirtelTigo GH",
    "62120": "Airtel NG",
    "62130": "MTN NG",
    "62150": "Glo NG",
    "62160": "9mobile NG",
    "63510": "MTN RW",
    "63513": "Airtel RW",  # Tigo, merged into Airtel
    "63514": "Airtel RW",
    "63601": "Ethio Telecom ET",
    "63902": "Safaricom KE",
    "63903": "Airtel KE",
    "63907": "Telkom KE",
    "63999": "Equitel KE",
    "64002": "Tigo TZ",
    "64003": "Zantel TZ",
    "64004": "Vodacom TZ",
    "64005": "Airtel TZ",
    "64007": "TTCL TZ",
    "64009": "Halotel TZ",
    "64101": "Airtel UG",
    "64110": "MTN UG",
    "64111": "UTL UG",
    "64114": "Africell UG",
    "64501": "Airtel ZM",
    "64502": "MTN ZM",
    "65001": "TNM MW",
    "65010": "Airtel MW",
    "65501": "Vodacom ZA",
    "65502": "Telkom ZA",
    "65507": "Cell C ZA",
    "65510": "MTN ZA",
}

# Country, calling code, operator and its prefixes after the calling code; `700-729` is each one between.
_PREFIXES = [
    ("NG", "234", "MTN", "703 704 706 707 803 806 810 813 814 816 903 906 910 913 916 7025 7026"),
    ("NG", "234", "Airtel", "701 708 802 808 812 901 902 904 907 911 912"),
    ("NG", "234", "Glo", "705 805 807 811 815 905 915"),
    ("NG", "234", "9mobile", "809 817 818 908 909"),
    ("NG", "234", "MAFAB", "801"),
    ("NG", "234", "Ntel", "804 7021 7022"),
    ("NG", "234", "Smile", "7020"),
    ("NG", "234", "Starcomms", "819"),
    (
        "KE",
        "254",
        "Safaricom",
        "700-729 740-743 745 746 748 749 757-759 768 769 790-799 110-119 140-146 180-189",
    ),
    ("KE", "254", "Airtel", "730-739 750-756 760 762-767 780-789 100-108 135-139"),
    ("KE", "254", "Telkom", "761 770-779 120"),
    ("KE", "254", "Finserve", "124"),
    ("KE", "254", "JTL", "747"),
    ("KE", "254", "Homeland Media", "744"),
    ("KE", "254", "Infura", "121"),
    ("KE", "254", "NRG", "130"),
    ("RW", "250", "MTN", "78 79"),
    ("RW", "250", "Airtel", "72 73"),
    ("RW", "250", "KtRN", "77"),
]


def _expand(prefixes: str) -> Iterator[str]:
    for part in prefixes.split():
        first, _, last = part.partition("-")
        yield from (str(number) for number in range(int(first), int(last or first) + 1))


NETWORK_BY_PREFIX = {
    f"+{calling_code}{prefix}": f"{operator} {country}"
    for country, calling_code, operator, prefixes in _PREFIXES
    for prefix in _expand(prefixes)
}
_LONGEST_PREFIX = max(map(len, NETWORK_BY_PREFIX))


def network_of(e164: str, network_code: str = "") -> str:
    """The network serving this phone: by the gateway's network code, else by the number's prefix.

    A code we do not know never fails: without a prefix to go by it is returned as it came, at most 40 characters.
    Empty when nothing is known.
    """
    code = network_code.strip()
    if code in NETWORK_CODES:
        return NETWORK_CODES[code]
    for length in range(_LONGEST_PREFIX, 1, -1):
        if network := NETWORK_BY_PREFIX.get(e164[:length]):
            return network
    return code[:40]
