"""What lending must add up to, kept beside it in a few lines: who was promised what, and what money came in.

No order of settlement, no score, no ledger: only sums, which hold whatever the order was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from loans.models import CreditProfile, Loan
from loans.statuses import LoanStatus
from tests.crash.loans import books

# Between two loans of a phone; a gateway's name for a session means the same session for as long.
PAUSE = timedelta(hours=2)
# Under the pause the same choice in what a gateway calls the same session is a repeat, whatever was offered since.
SAME_DIALOGUE = timedelta(hours=1)


@dataclass(frozen=True)
class Promise:
    """A loan as the customer was answered. `instance` is empty for a loan made without a session or by staff."""

    id: UUID
    who: UUID
    amount: Decimal
    option: int
    session_id: str
    instance: str
    at: datetime

    def is_selected(self, option: int | None, amount: int | None) -> bool:
        """By the one or the other: an option counts before an amount."""
        return option == self.option if option is not None else amount == self.amount

    @property
    def row(self) -> Loan:
        return Loan.objects.get(pk=self.id)


@dataclass
class PaidIn:
    """Money under one reference of a rail."""

    id: UUID
    loan: UUID
    who: UUID
    amount: Decimal
    is_reversed: bool = False


@dataclass
class Books:
    """Everything that was promised and paid in, in the order it happened."""

    promises: list[Promise] = field(default_factory=list)
    paid_in: dict[tuple[str, str], PaidIn] = field(default_factory=dict)
    notices: dict[tuple[str, str], tuple[object, ...]] = field(default_factory=dict)

    def alive(self, who: UUID) -> list[Promise]:
        """The customer's promises of which something may come, newest first."""
        mine = [promise for promise in self.promises if promise.who == who]
        return [promise for promise in reversed(mine) if promise.row.status not in LoanStatus.DEAD]

    def first_of_session(self, who: UUID, *, session_id: str, instance: str, at: datetime) -> Promise | None:
        """The loan that an approval in this session repeats. Unless both the loan and the approval have a session, the
        gateway's name for it decides.
        """
        for promise in self.alive(who):
            if instance and promise.instance == instance:
                return promise
            is_unnamed = not (instance and promise.instance)
            if is_unnamed and promise.session_id == session_id and promise.at >= at - PAUSE:
                return promise
        return None

    def repeated(
        self, who: UUID, *, session_id: str, option: int | None, amount: int | None, at: datetime
    ) -> Promise | None:
        """The loan that was approved by the same choice in what the gateway calls the same session, lately."""
        for promise in self.alive(who):
            is_lately = promise.session_id == session_id and promise.at > at - SAME_DIALOGUE
            if is_lately and promise.is_selected(option, amount):
                return promise
        return None

    def is_too_soon(self, who: UUID, *, at: datetime) -> bool:
        """Whether the pause after a loan of theirs still lasts."""
        return any(promise.at > at - PAUSE for promise in self.alive(who))

    def find_breaches(self) -> dict[str, object]:
        """Where the rows differ from what was promised and paid in."""
        found: dict[str, object] = {}
        made = {loan.pk: loan for loan in Loan.objects.all()}
        if set(made) != {promise.id for promise in self.promises}:
            found["loans beside those answered"] = (len(made), len(self.promises))
        for promise in self.promises:
            if promise.id in made and made[promise.id].amount != promise.amount:
                found[f"amount of {made[promise.id]}"] = promise.amount
        for profile in CreditProfile.objects.all():
            mine = [made[promise.id] for promise in self.promises if promise.who == profile.pk and promise.id in made]
            found |= self._compare(profile, mine)
        return found | self._compare_books([loan for loan in made.values() if loan.disbursed_at])

    def _compare(self, profile: CreditProfile, loans: list[Loan]) -> dict[str, object]:
        """Lent and paid in decide what is owed and what is held, unless something was written off meanwhile."""
        paid_out = [loan for loan in loans if loan.disbursed_at]
        lent = sum(loan.amount for loan in paid_out)
        paid_in = self._sum(lambda money: money.who == profile.pk)
        found: dict[str, object] = {}
        if profile.total_borrowed != lent:
            found[f"{profile} borrowed"] = (profile.total_borrowed, lent)
        if profile.total_repaid + profile.overpaid != paid_in:
            found[f"{profile} paid"] = (profile.total_repaid, profile.overpaid, paid_in)
        if sum(loan.outstanding for loan in paid_out) != lent - profile.total_repaid:
            found[f"{profile} owes"] = (lent, profile.total_repaid)
        is_written_off = any(loan.written_off_at for loan in loans)
        if not is_written_off and profile.overpaid != max(paid_in - lent, 0):
            found[f"{profile} is owed"] = (profile.overpaid, paid_in - lent)
        return found

    def _compare_books(self, paid_out: list[Loan]) -> dict[str, object]:
        """The accounts of the ledger that are plain sums of promises and of money."""
        accounts = books()
        collected = sum(balance for name, balance in accounts.items() if name.startswith("collected:"))
        expected: dict[str, tuple[object, object]] = {
            "collected": (collected, self._sum(lambda _money: True)),
            "interest": (-accounts.get("interest_income", 0), sum(loan.interest for loan in paid_out)),
            "held": (-accounts.get("overpaid", 0), sum(profile.overpaid for profile in CreditProfile.objects.all())),
        }
        return {name: sums for name, sums in expected.items() if sums[0] != sums[1]}

    def _sum(self, counts: Callable[[PaidIn], bool]) -> Decimal:
        standing = [money.amount for money in self.paid_in.values() if not money.is_reversed and counts(money)]
        return sum(standing, Decimal(0))
