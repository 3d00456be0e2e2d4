"""Target environments: the currency each takes and the numbers it knows (notes A1, contract section 9)."""

from dataclasses import dataclass

import phonenumbers

SANDBOX = "sandbox"


@dataclass(frozen=True, kw_only=True)
class Environment:
    name: str
    currency: str
    country: str | None
    minor_units: int


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment(name=SANDBOX, currency="EUR", country=None, minor_units=2),
        Environment(name="mtnrwanda", currency="RWF", country="RW", minor_units=0),
        Environment(name="mtnnigeria", currency="NGN", country="NG", minor_units=2),
        Environment(name="mtnuganda", currency="UGX", country="UG", minor_units=0),
        Environment(name="mtnghana", currency="GHS", country="GH", minor_units=2),
        Environment(name="mtnivorycoast", currency="XOF", country="CI", minor_units=0),
        Environment(name="mtnzambia", currency="ZMW", country="ZM", minor_units=2),
        Environment(name="mtncameroon", currency="XAF", country="CM", minor_units=0),
        Environment(name="mtnbenin", currency="XOF", country="BJ", minor_units=0),
        Environment(name="mtncongo", currency="XAF", country="CG", minor_units=0),
        Environment(name="mtnswaziland", currency="SZL", country="SZ", minor_units=2),
        Environment(name="mtnguineaconakry", currency="GNF", country="GN", minor_units=0),
        Environment(name="mtnsouthafrica", currency="ZAR", country="ZA", minor_units=2),
        Environment(name="mtnliberia", currency="LRD", country="LR", minor_units=2),
        Environment(name="mtnsouthsudan", currency="SSP", country="SS", minor_units=2),
    )
}


def has_wallet(environment: Environment, party_id: str) -> bool:
    """Whether the number (digits with country code) can be paid there: anyone in the sandbox, else
    any valid number of the environment's country. Operators are not told apart: numbers are ported."""
    if environment.country is None:
        return True
    try:
        number = phonenumbers.parse("+" + party_id)
    except phonenumbers.NumberParseException:
        return False
    if not phonenumbers.is_valid_number(number):
        return False
    return phonenumbers.region_code_for_number(number) == environment.country
