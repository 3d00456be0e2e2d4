"""Numbers whose owners do not simply pay: MTN's (notes A10), and endings of ours for any country."""

from dataclasses import dataclass

from sandbox.momo.environments import Environment, has_wallet

NO_WALLET = "PAYER_NOT_FOUND"


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a request to pay. `is_slow`: only after the time of an ongoing one."""

    reason: str | None = None
    is_slow: bool = False


WILL_PAY = Fate()
BY_NUMBER = {
    "46733123450": Fate(reason="INTERNAL_PROCESSING_ERROR"),
    "46733123451": Fate(reason="APPROVAL_REJECTED"),
    "46733123452": Fate(reason="EXPIRED"),
    "46733123453": Fate(is_slow=True),
    "46733123454": Fate(reason="PAYER_DELAYED"),
    "46733123455": Fate(reason="PAYER_NOT_FOUND"),
    "46733123456": Fate(reason="PAYEE_NOT_ALLOWED_TO_RECEIVE"),
    "46733123457": Fate(reason="NOT_ALLOWED"),
    "46733123458": Fate(reason="NOT_ALLOWED_TARGET_ENVIRONMENT"),
    "46733123459": Fate(reason="INVALID_CALLBACK_URL_HOST"),
    "46733123460": Fate(reason="INVALID_CURRENCY"),
    "46733123461": Fate(reason="INTERNAL_PROCESSING_ERROR"),
    "46733123462": Fate(reason="SERVICE_UNAVAILABLE"),
    "46733123463": Fate(reason="COULD_NOT_PERFORM_TRANSACTION"),
}
# MTN has no number for these, and customers of ours have numbers of their country.
BY_ENDING = {
    "992001": Fate(reason="NOT_ENOUGH_FUNDS"),
    "992002": Fate(reason="APPROVAL_REJECTED"),
    "992003": Fate(reason="EXPIRED", is_slow=True),
    "992004": Fate(is_slow=True),
    "992005": Fate(reason="PAYER_LIMIT_REACHED"),
}
ENDING_LENGTH = 6


def fate_of(environment: Environment, *, party_id_type: str, party_id: str) -> Fate:
    """What becomes of a request to this payer, unless a fault says otherwise."""
    if party_id_type == "MSISDN" and party_id in BY_NUMBER:
        return BY_NUMBER[party_id]
    is_phone = environment.country is None or party_id_type == "MSISDN"
    if not is_phone or not has_wallet(environment, party_id):
        return Fate(reason=NO_WALLET)
    return BY_ENDING.get(party_id[-ENDING_LENGTH:], WILL_PAY)
