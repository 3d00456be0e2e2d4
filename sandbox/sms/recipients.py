"""What becomes of a message, by the number it goes to (SMS notes, sections 5-7)."""

import re
from dataclasses import dataclass

SENT = 101
INVALID_NUMBER = 403

# statusCode -> status of a recipient whose message is not accepted.
REJECTIONS = {
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}

# Demo numbers. A number that ends in 990 and a code is rejected with it: +250788990406 -> 406.
_REJECTED_ENDING = re.compile(r"990(\d{3})")
# A number that ends in one of these is accepted, and this is its delivery report.
REPORT_ENDINGS = {
    "991001": ("Failed", "DeliveryFailure"),
    "991002": ("Rejected", "UserInBlackList"),
    "991003": ("AbsentSubscriber", None),
    "991004": ("Expired", None),
}

_E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_NETWORKS = (
    (re.compile(r"\+2507[89]"), "63510"),
    (re.compile(r"\+2507[23]"), "63514"),
    (re.compile(r"\+254"), "63902"),
    (re.compile(r"\+234"), "62130"),
)
SIMULATOR_NETWORK = "99999"
_PRICES = {"+254": "KES 0.8000", "+250": "RWF 10.0000", "+234": "NGN 4.0000"}
OTHER_PRICE = "USD 0.0200"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The final delivery report of an accepted message."""

    status: str
    failure_reason: str | None


def status_code_for(number: str) -> int:
    """101 for a number that takes messages, else the code it is rejected with."""
    if not _E164.fullmatch(number):
        return INVALID_NUMBER
    ending = _REJECTED_ENDING.fullmatch(number[-6:])
    if ending and int(ending[1]) in REJECTIONS:
        return int(ending[1])
    return SENT


def report_for(number: str) -> Report:
    status, failure_reason = REPORT_ENDINGS.get(number[-6:], ("Success", None))
    return Report(status=status, failure_reason=failure_reason)


def network_of(number: str) -> str:
    """The network code of the number's best-known operator; the simulator's for other countries."""
    for pattern, network in _NETWORKS:
        if pattern.match(number):
            return network
    return SIMULATOR_NETWORK


def price_of(number: str) -> str:
    return _PRICES.get(number[:4], OTHER_PRICE)
