"""Why a customer is offered what they are offered, for the customers' menu."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.phone_numbers import is_of_country
from loans.eligibility import BAND_PARTS, decide_eligibility
from loans.models import CreditProfile
from loans.services.credit import facts_of
from loans.settings_in_force import lending_settings


@dataclass(frozen=True)
class AmountReasons:
    """`amount` is the most that is offered now; 0: nothing. `outstanding` counts against `limit`."""

    amount: Decimal
    score: int
    limit: Decimal
    outstanding: Decimal
    currency: str
    is_first: bool

    @property
    def has_room(self) -> bool:
        """Whether the limit leaves room for the smallest offer."""
        return self.outstanding + self.amount * min(BAND_PARTS) <= self.limit


def explain_amount(customer_id: UUID, *, phone: str) -> AmountReasons:
    """By the settings in force; nothing changes. One statement. `phone` (E.164) is where the money would go.

    Raises SettingsUnknown.
    """
    settings = lending_settings()
    profile = CreditProfile.objects.filter(pk=customer_id).first()
    facts = facts_of(profile, settings.credit)
    eligibility = decide_eligibility(facts, settings.credit, settings.loans, versions=settings.versions)
    return AmountReasons(
        amount=eligibility.amount if is_of_country(phone, settings.loans.region) else Decimal(0),
        score=facts.score,
        limit=facts.credit_limit,
        outstanding=profile.outstanding if profile else Decimal(0),
        currency=settings.loans.currency,
        is_first=facts.total_loans == 0,
    )
