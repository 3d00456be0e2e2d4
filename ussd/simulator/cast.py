"""The people of the sandbox: whom a demo dials as, and what happens to their money."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A phone number with a story."""

    phone: str
    name: str
    story: str
    network_code: str = "63510"
    is_new: bool = False

    @property
    def about(self) -> str:
        """Name and story in one line."""
        return f"{self.name}: {self.story}"


CAST = (
    Person("+250788123456", "Aline", "painter in Kigali, payouts arrive"),
    Person("+250788765432", "Eric", "contractor, payouts arrive"),
    Person("+250791234567", "Diane", "new, has never dialled before", is_new=True),
    Person("+250722345678", "Grace", "on the Airtel network, payouts arrive", "63514"),
    Person("+46733123450", "Internal failure", "the provider fails inside; the payout is tried again", "99999"),
    Person("+46733123451", "Refused wallet", "the provider refuses it; the payout fails for good", "99999"),
    Person("+46733123453", "Slow payer", "pending at the provider for half a minute, then paid", "99999"),
)
