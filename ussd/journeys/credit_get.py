"""Getting a loan: offers, what the customer gets and repays, consent.

The first look asks whether this very dialogue has made a loan already: who repeats a turn without our memory of it
walks the same way again, and must hear of that loan instead of being shown what they could borrow next.
"""

from datetime import date, timedelta
from decimal import Decimal

from loans.answers import ApprovalResult
from loans.eligibility import OfferTerms
from loans.selectors_menu import look_at_dialogue
from loans.services.approval_requests import SAME_SESSION
from loans.services.approvals import approve_offer
from loans.services.offers import make_offers
from loans.statuses import Refusal
from ussd.journeys.credit_common import dialogue_name, plain_amount
from ussd.screens import BACK, Choice, Result, Screen, Step
from ussd.texts.dates import short_day
from ussd.visits import Visit

TAKEN = "TAKEN"
# A pause between loans is said in minutes up to here, then in hours.
SAID_IN_MINUTES = timedelta(minutes=90)
IN_MINUTES, IN_HOURS = f"{Refusal.COOLDOWN_ACTIVE}:minutes", f"{Refusal.COOLDOWN_ACTIVE}:hours"
_REFUSED = {
    Refusal.INVALID_REQUEST: "credit.unavailable",
    Refusal.USER_NOT_FOUND: "credit.not_eligible",
    Refusal.NO_ELIGIBLE_AMOUNT: "credit.not_eligible",
    Refusal.NO_OFFERS: "credit.not_eligible",
    Refusal.INVALID_SELECTION: "credit.invalid",
    Refusal.CREDIT_LIMIT_EXCEEDED: "credit.limit",
    IN_MINUTES: "credit.cooldown_minutes",
    IN_HOURS: "credit.cooldown_hours",
    Refusal.REQUEST_IN_PROGRESS: "credit.taken",
    Refusal.SERVICE_UNAVAILABLE: "credit.unavailable",
}


def look_up_offers(visit: Visit, _typed: str) -> Result:
    """What the customer may borrow now."""
    name = dialogue_name(visit)
    dialogue = look_at_dialogue(visit.customer_id, session_id=name, since=visit.at - SAME_SESSION)
    if dialogue.has_loan:
        return Result(TAKEN)
    offered = make_offers(
        phone=visit.phone,
        session_id=name,
        network=dialogue.network,
        partner=visit.session.gateway,
        at=visit.at,
    )
    if offered.refusal:
        return Result(offered.refusal)
    return Result(
        "OFFERED",
        {
            "currency": offered.currency,
            "offers": "|".join(_pack(terms) for terms in offered.terms),
            "network": dialogue.network,
        },
    )


def choose_offer(visit: Visit, typed: str) -> Result:
    """The offer with the number typed, as it will be consented to."""
    facts = visit.session.place.facts
    amount, disbursed, due = facts["offers"].split("|")[int(typed) - 1].split()
    return Result(
        "CHOSEN",
        {
            "get": plain_amount(Decimal(disbursed), facts["currency"]),
            "repay": plain_amount(Decimal(amount), facts["currency"]),
            "due": short_day(date.fromisoformat(due), visit.session.language),
            "chosen": amount,
            "payout": disbursed,
            "network": facts["network"],
        },
    )


def take_loan(visit: Visit, _typed: str) -> Result:
    """The customer consents: the loan is made and its payout asked for, once in a dialogue."""
    facts = visit.session.place.facts
    result = approve_offer(
        phone=visit.phone,
        session_id=dialogue_name(visit),
        option=None,
        amount=Decimal(facts["chosen"]),
        network=facts["network"],
        partner=visit.session.gateway,
        payout=Decimal(facts["payout"]),
        at=visit.at,
    )
    return _answer(result)


def _answer(result: ApprovalResult) -> Result:
    if result.refusal is None:
        return Result(TAKEN)
    if result.refusal != Refusal.COOLDOWN_ACTIVE:
        return Result(result.refusal)
    left = result.retry_after or timedelta()
    if left <= SAID_IN_MINUTES:
        return Result(IN_MINUTES, {"minutes": _up(left, timedelta(minutes=1))})
    return Result(IN_HOURS, {"hours": _up(left, timedelta(hours=1))})


def _up(left: timedelta, unit: timedelta) -> str:
    return str(max(1, -(-left // unit)))


def _pack(terms: OfferTerms) -> str:
    return f"{terms.amount} {terms.disbursed_amount} {terms.due_date.isoformat()}"


def _offers(visit: Visit) -> tuple[Choice, ...]:
    facts = visit.session.place.facts
    step = Step({"CHOSEN": "credit.confirm"}, act=choose_offer)
    choices = []
    for offer in facts["offers"].split("|"):
        amount, disbursed, _due = offer.split()
        terms = {
            "get": plain_amount(Decimal(disbursed), facts["currency"]),
            "repay": plain_amount(Decimal(amount), facts["currency"]),
        }
        choices.append(Choice("credit.offer", step, terms))
    return tuple(choices)


_CONSENT = Step({TAKEN: "credit.taken", **{str(code): words for code, words in _REFUSED.items()}}, act=take_loan)
_NO_OFFERS = {
    str(code): _REFUSED[code]
    for code in (
        Refusal.USER_NOT_FOUND,
        Refusal.NO_ELIGIBLE_AMOUNT,
        Refusal.NO_OFFERS,
        Refusal.SERVICE_UNAVAILABLE,
    )
}
GET_A_LOAN = Choice(
    "credit.get", Step({"OFFERED": "credit.offers", TAKEN: "credit.taken", **_NO_OFFERS}, act=look_up_offers)
)
SCREENS = (
    Screen("credit.offers", words="credit.offers", choices=_offers),
    Screen(
        "credit.confirm",
        words="credit.confirm",
        choices=(Choice("credit.yes", _CONSENT), Choice("credit.no", Step({"": BACK}))),
        trouble="credit.trouble",
        unsure="credit.unsure",
    ),
    *(Screen(words, words=words, ends=True) for words in sorted(set(_CONSENT.to.values()))),
)
