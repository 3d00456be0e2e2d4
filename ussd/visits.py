"""What an act of a screen may know: who dials, in which session, when."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from accounts.models import User
from ussd.configuration import UssdSettings
from ussd.sessions import Session


@dataclass
class Visit:
    """One turn as the screens see it."""

    session: Session
    settings: UssdSettings
    at: datetime
    # Loaded when this turn met the customer; else on demand.
    loaded_customer: User | None = field(default=None, repr=False)

    @property
    def phone(self) -> str:
        """E.164."""
        return self.session.phone

    @property
    def customer_id(self) -> UUID:
        """The customer who dials."""
        return UUID(self.session.customer_id)

    @property
    def customer(self) -> User:
        """The customer who dials; one SELECT unless this turn has met them already."""
        if self.loaded_customer is None:
            self.loaded_customer = User.objects.get(pk=self.session.customer_id)
        return self.loaded_customer
