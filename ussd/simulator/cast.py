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


# Borrowers: who has taken and repaid what stands in `config.demo.lending`.
CHIDI = Person("+2348031234567", "Chidi", "trader in Lagos, never borrowed: a first loan", "62130")
NGOZI = Person("+2348062345678", "Ngozi", "tailor in Ibadan, repaid two loans in time: a good score", "62130")
MUSA = Person("+2348101234567", "Musa", "farmer in Kano, repaid late: a low score", "62130")
AMINA = Person("+2349031234567", "Amina", "owes her whole limit: over the limit for another loan", "62130")
BISI = Person("+2347031234567", "Bisi", "in Lagos, new, has never dialled before", "62130", is_new=True)

CAST = (
    Person("+250788123456", "Aline", "painter in Kigali, payouts arrive"),
    Person("+250788765432", "Eric", "contractor, payouts arrive"),
    Person("+250791234567", "Diane", "new, has never dialled before", is_new=True),
    Person("+250722345678", "Grace", "on the Airtel network, payouts arrive", "63514"),
    Person("+46733123450", "Internal failure", "the provider fails inside; the payout is tried again", "99999"),
    Person("+46733123451", "Refused wallet", "the provider refuses it; the payout fails for good", "99999"),
    Person("+46733123453", "Slow payer", "pending at the provider for half a minute, then paid", "99999"),
    CHIDI,
    NGOZI,
    MUSA,
    AMINA,
    BISI,
)
