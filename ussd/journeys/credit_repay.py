"""Repaying: the customer names an amount and consents; mobile money then asks for their PIN."""

from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from configuration.selectors import SettingsUnknown
from ledger.money import format_amount
from loans.selectors_menu import debt_of
from loans.services.collections import CollectionsOff, CollectionUnderWay, InvalidCollection, request_collection
from loans.services.repayments import LoanNotOwed
from ussd.journeys.credit_common import dialogue_name, plain_amount
from ussd.screens import BACK, Choice, Result, Screen, Step
from ussd.visits import Visit

# Longer than a dialogue lives, shorter than a gateway takes to use a session id again.
SAME_DIALOGUE = timedelta(minutes=15)
# Ten digits: more than any loan.
LONGEST_AMOUNT = 10


def look_up_debt(visit: Visit, _typed: str) -> Result:
    """The loan to repay, unless the customer is being asked for money already."""
    debt = debt_of(visit.customer_id, key_prefix=_key_prefix(visit), since=visit.at - SAME_DIALOGUE)
    if debt is None:
        return Result("NOTHING")
    loan = debt.loan
    if debt.requested is not None:
        facts = {"amount": format_amount(debt.requested, loan.currency)}
        return Result("ASKED" if debt.is_from_here else "WAITING", facts)
    return Result(
        "OWED",
        {
            "number": loan.number,
            "balance": format_amount(loan.outstanding, loan.currency),
            "most": plain_amount(_whole(loan.outstanding), loan.currency),
            "loan": str(loan.pk),
            "currency": loan.currency,
            "owed": str(loan.outstanding),
        },
    )


def choose_all(visit: Visit, _typed: str) -> Result:
    """All that is owed."""
    return Result("CHOSEN", _chosen(visit, Decimal(visit.session.place.facts["owed"])))


def open_amount(visit: Visit, _typed: str) -> Result:
    """On to typing an amount."""
    return Result("OPEN", visit.session.place.facts)


def choose_amount(visit: Visit, typed: str) -> Result:
    """What was typed, if it is a whole amount from 1 to what is owed."""
    facts = visit.session.place.facts
    if typed.isascii() and typed.isdigit() and len(typed) <= LONGEST_AMOUNT:
        amount = Decimal(typed)
        if 1 <= amount <= Decimal(facts["owed"]):
            return Result("CHOSEN", _chosen(visit, amount))
    return Result("INVALID", facts)


def ask_for_payment(visit: Visit, _typed: str) -> Result:
    """Have mobile money ask the customer, once in a dialogue."""
    facts = visit.session.place.facts
    amount = Decimal(facts["chosen"])
    try:
        request_collection(
            loan_id=UUID(facts["loan"]),
            amount=amount,
            # One request for each state of the debt: what was repaid since makes it another.
            key=f"{_key_prefix(visit)}{facts['loan']}:{facts['owed']}:{amount}",
            at=visit.at,
        )
    except CollectionUnderWay as refusal:
        return Result("WAITING", {"amount": format_amount(refusal.open.amount, refusal.open.currency)})
    except (InvalidCollection, LoanNotOwed):
        return Result("CHANGED")
    except (CollectionsOff, SettingsUnknown):
        return Result("UNAVAILABLE")
    return Result("ASKED", {"amount": facts["amount"]})


def _chosen(visit: Visit, amount: Decimal) -> dict[str, str]:
    facts = visit.session.place.facts
    return {**facts, "chosen": str(amount), "amount": format_amount(amount, facts["currency"])}


def _whole(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), rounding=ROUND_DOWN)


def _key_prefix(visit: Visit) -> str:
    return f"ussd:{dialogue_name(visit)}:{visit.at:%Y%m%d}:"


def _ways_to_pay(visit: Visit) -> tuple[Choice, ...]:
    facts = visit.session.place.facts
    everything = Choice(
        "credit.pay_all", Step({"CHOSEN": "credit.pay_confirm"}, act=choose_all), {"balance": facts["balance"]}
    )
    other = Choice("credit.pay_other", Step({"OPEN": "credit.pay_amount"}, act=open_amount))
    return (everything, other) if Decimal(facts["owed"]) > 1 else (everything,)


_TYPED = Step({"CHOSEN": "credit.pay_confirm", "INVALID": "credit.pay_again"}, act=choose_amount)
_CONSENT = Step(
    {
        "ASKED": "credit.pay_asked",
        "WAITING": "credit.pay_waiting",
        "CHANGED": "credit.pay_changed",
        "UNAVAILABLE": "credit.pay_unavailable",
    },
    act=ask_for_payment,
)
REPAY = Choice(
    "credit.repay",
    Step(
        {
            "OWED": "credit.debt",
            "NOTHING": "credit.nothing_owed",
            "ASKED": "credit.pay_asked",
            "WAITING": "credit.pay_waiting",
        },
        act=look_up_debt,
    ),
)
SCREENS = (
    Screen("credit.debt", words="credit.debt", choices=_ways_to_pay),
    Screen("credit.pay_amount", words="credit.pay_amount", asks=_TYPED),
    Screen("credit.pay_again", words="credit.pay_again", asks=_TYPED, replaces="credit.pay_amount"),
    Screen(
        "credit.pay_confirm",
        words="credit.pay_confirm",
        choices=(Choice("credit.yes", _CONSENT), Choice("credit.no", Step({"": BACK}))),
        trouble="credit.pay_trouble",
        unsure="credit.pay_unsure",
    ),
    Screen("credit.nothing_owed", words="credit.nothing_owed"),
    *(Screen(words, words=words, ends=True) for words in _CONSENT.to.values()),
)
