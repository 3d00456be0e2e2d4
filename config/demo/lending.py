"""The sandbox's borrowers: loans taken and repaid before anybody looked, by the same services as every other loan."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from accounts.models import User
from config.demo import cast
from configuration.models import ConfigurationVersion
from configuration.services import change_category
from disbursements.configuration import NigeriaPayments
from disbursements.providers.base import Answer, Outcome
from disbursements.providers.registry import provider_for
from disbursements.services.sending import open_attempt
from disbursements.services.settlement import settle_paid
from ledger.services import record_float_top_up
from loans.collection_settings import CollectionSettings
from loans.models import Loan, ScoreChange
from loans.services.approvals import approve_offer
from loans.services.credit import adjust_credit
from loans.services.repayments import record_repayment
from loans.statuses import LoanStatus, Rail, RepaymentChannel, ScoreReason
from ussd.simulator.cast import AMINA, MUSA, NGOZI, Person

# The last of three offers.
ALL_OF_IT = 3
GOOD_SCORE = 680
# The sandbox process knows these (`sandbox.options`); they open nothing else.
COLLECTION_CREDENTIALS = {
    "api_user": cast.MOMO_CREDENTIALS["momo_api_user"],
    "api_key": cast.MOMO_CREDENTIALS["momo_api_key"],
    "subscription_key": "sandbox-collection-key",
}


@dataclass(frozen=True)
class PastLoan:
    """A loan of all that was offered, by days before now. `repaid` None: it is still owed."""

    person: Person
    taken: int
    repaid: int | None = None

    @property
    def name(self) -> str:
        """Of the dialogue it was taken in; what is loaded already is known by it."""
        return f"demo:{self.person.phone}:{self.taken}"


PAST_LOANS = (
    PastLoan(NGOZI, taken=95, repaid=70),
    PastLoan(NGOZI, taken=50, repaid=22),
    # Due after 30 days, repaid more than a month late.
    PastLoan(MUSA, taken=80, repaid=12),
    PastLoan(AMINA, taken=5),
)


def load_lending(*, entered_by: User, at: datetime) -> None:
    """Requests to pay go to the sandbox, and borrowers have a past. Parts that are there already stay untouched."""
    if not ConfigurationVersion.objects.filter(category=CollectionSettings.slug).exists():
        change_category(
            CollectionSettings,
            changes=COLLECTION_CREDENTIALS,
            changed_by=None,
            reason="Credentials of the sandbox",
            at=at,
        )
    for past in PAST_LOANS:
        _past_loan(past, entered_by=entered_by, at=at)
    _refill_float(entered_by=entered_by, at=at)
    _trust(NGOZI, changed_by=entered_by, at=at)


def _past_loan(past: PastLoan, *, entered_by: User, at: datetime) -> None:
    if Loan.objects.filter(session_id=past.name).exists():
        return
    taken = at - timedelta(days=past.taken)
    made = approve_offer(
        phone=past.person.phone,
        session_id=past.name,
        option=ALL_OF_IT,
        amount=None,
        network="MTN NG",
        partner=cast.GATEWAYS[0][0],
        at=taken,
    ).loan
    assert made is not None, f"{past.person.name} was refused the demo's loan"
    loan = Loan.objects.select_related("disbursement").get(pk=made.id)
    payout = loan.disbursement
    assert payout is not None
    attempt = open_attempt(disbursement_id=payout.pk, provider=provider_for(payout.provider), at=taken)
    assert attempt is not None
    settle_paid(attempt=attempt, outcome=Outcome(Answer.PAID, transaction_id=past.name), at=taken)
    if past.repaid is not None:
        received = at - timedelta(days=past.repaid)
        record_repayment(
            loan_id=loan.pk,
            amount=loan.amount,
            currency=loan.currency,
            rail=Rail.CASH,
            reference=past.name,
            channel=RepaymentChannel.STAFF,
            received_at=received,
            entered_by=entered_by,
            at=received,
        )


def _refill_float(*, entered_by: User, at: datetime) -> None:
    """The sandbox's account never paid these loans, and our books of it must say what it holds."""
    past = Loan.objects.filter(session_id__in=[loan.name for loan in PAST_LOANS]).exclude(status=LoanStatus.APPROVED)
    record_float_top_up(
        provider=NigeriaPayments.provider,
        amount=past.aggregate(total=Sum("disbursed_amount"))["total"],
        currency=NigeriaPayments().momo_currency,
        reference="demo-past-loans",
        by=entered_by,
        at=at,
    )


def _trust(person: Person, *, changed_by: User, at: datetime) -> None:
    customer = User.objects.get(phone=person.phone)
    if not ScoreChange.objects.filter(customer=customer, reason=ScoreReason.STAFF).exists():
        adjust_credit(
            customer_id=customer.pk,
            score=GOOD_SCORE,
            credit_limit=None,
            automatic_limit=True,
            reason="Recommended by the market association",
            changed_by=changed_by,
            at=at,
        )
