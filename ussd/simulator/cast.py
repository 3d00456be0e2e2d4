"""The people of the sandbox: whom a demo dials as, and what happens to their money."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A phone number with a story."""

    phone: str
    about: str
    network_code: str = "63510"
    is_new: bool = False


CAST = (
    Person("+250788123456", "Aline, painter in Kigali: payouts arrive"),
    Person("+250788765432", "Eric, contractor: payouts arrive"),
    Person("+250791234567", "New: never dialled before", is_new=True),
    Person("+250722345678", "Grace, on the Airtel network", "63514"),
    Person("+46733123450", "Scenario number: fails inside the provider, is tried again", "99999"),
    Person("+46733123457", "Scenario number: wallet not found, fails for good", "99999"),
    Person("+46733123453", "Scenario number: pending for half a minute, then paid", "99999"),
)
