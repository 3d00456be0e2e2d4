"""One request to approve an offer, with what was offered and who asks."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from loans.borrowers import Borrower, loans_in_question
from loans.configuration import LoanSettings
from loans.eligibility import OfferTerms
from loans.models import Loan
from loans.services.offers import decide_offers
from loans.sessions import OfferSession
from loans.settings_in_force import LendingSettings
from loans.statuses import Refusal

# Without a session, the same name of a session within this time means the same session; gateways use names again.
SAME_SESSION = timedelta(hours=1)
# Stands in the name of a session that we made up because there was none; the others are UUIDs.
_MADE_UP = "#"


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """One call of `approve_offer` with all that was read for it. `instance` is empty without a session."""

    borrower: Borrower
    phone: str
    session_id: str
    option: int | None
    amount: Decimal | None
    network: str
    partner: str
    payout: Decimal | None
    settings: LendingSettings
    at: datetime
    instance: str
    terms: tuple[OfferTerms, ...]
    explanation: dict[str, Any]
    offer: UUID | None
    refusal: Refusal | None

    @property
    def customer_id(self) -> UUID:
        return self.borrower.customer.pk

    @property
    def rules(self) -> LoanSettings:
        """The settings of loans in force."""
        return self.settings.loans

    @property
    def chosen(self) -> OfferTerms | None:
        """The offer that was selected; an option counts before an amount. None too when it pays out something else
        than the customer was shown."""
        found = next((terms for terms in self.terms if self.selects(terms.option, terms.amount)), None)
        return found if found and self.payout in (None, found.disbursed_amount) else None

    def selects(self, option: int, amount: Decimal) -> bool:
        return option == self.option if self.option is not None else amount == self.amount

    def instance_after(self, last_loan_at: datetime | None) -> str:
        """Our name for the session. Without one it is made from the gateway's and the customer's latest loan, so that
        requests at once share it, and one after the next loan does not."""
        if self.instance:
            return self.instance
        digest = hashlib.sha256(self.session_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return f"{digest}{_MADE_UP}{last_loan_at.isoformat() if last_loan_at else ''}"

    @property
    def longest_pause(self) -> timedelta:
        """A loan older than that says nothing about this request."""
        return max(self.rules.cooldown, SAME_SESSION)

    def find_loans(self, instance: str) -> list[Loan]:
        """The loans that decide: the customer's of this session, and all on the phone since the pause began."""
        return loans_in_question(
            customer_id=self.customer_id,
            instance=instance,
            session_id=self.session_id,
            session_since=self.at - self.longest_pause,
            phone=self.phone,
            phone_since=self.at - self.rules.cooldown,
        )

    def is_of_this_session(self, loan: Loan) -> bool:
        """Whether the customer approved it in this session. When Redis was away then or is now, so that only one of the
        two has a session of ours, it is the one that the gateway calls the same."""
        if loan.customer_id != self.customer_id:
            return False
        if self.instance and _MADE_UP not in loan.session_instance:
            return loan.session_instance == self.instance
        return loan.session_id == self.session_id

    def repeats(self, loan: Loan) -> bool:
        """Whether it selects the same again in what the gateway calls the same session, although another offer has
        replaced ours since."""
        is_same_dialogue = (loan.customer_id, loan.session_id) == (self.customer_id, self.session_id)
        is_recent = loan.created_at > self.at - SAME_SESSION
        return is_same_dialogue and is_recent and self.selects(loan.explanation.get("option", 0), loan.amount)


def read_request(
    borrower: Borrower, session: OfferSession | None, settings: LendingSettings, *, at: datetime, **asked: Any
) -> ApprovalRequest:
    """The request with what was offered: as the session has it, else by the same rules now."""
    common = {"borrower": borrower, "settings": settings, "at": at, **asked}
    is_theirs = session is not None and (session.phone, session.customer_id, session.currency) == (
        asked["phone"],
        borrower.customer.pk,
        settings.loans.currency,
    )
    if session is None or not is_theirs:
        decision = decide_offers(borrower, phone=asked["phone"], settings=settings, at=at)
        return ApprovalRequest(
            instance="",
            terms=decision.terms,
            explanation=decision.eligibility.explanation,
            offer=None,
            refusal=decision.refusal,
            **common,
        )
    return ApprovalRequest(
        instance=session.instance,
        terms=session.terms,
        explanation=session.explanation,
        offer=session.offer,
        refusal=None,
        **common,
    )
