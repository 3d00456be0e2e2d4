"""My last payment: where the money of the customer's latest code stands."""

from configuration.selectors import current
from ledger.money import format_amount
from promos.configuration import PromoRules
from promos.statuses import RedemptionStatus
from ussd.customers import latest_redemption
from ussd.screens import Choice, Journey, Result, Screen, Step
from ussd.visits import Visit

NO_PAYMENT = "NONE"
_WORDS = {
    RedemptionStatus.PENDING: "payment.pending",
    RedemptionStatus.COMPLETED: "payment.paid",
    RedemptionStatus.FAILED: "payment.failed",
    RedemptionStatus.CANCELLED: "payment.cancelled",
    NO_PAYMENT: "payment.none",
}


def look_up_payment(visit: Visit, _typed: str) -> Result:
    """Where the latest payment stands; nothing changes."""
    found = latest_redemption(visit.customer_id)
    if found is None:
        return Result(NO_PAYMENT)
    day = found.created_at.astimezone(current(PromoRules).zone)
    facts = {"amount": format_amount(found.amount, found.currency), "day": f"{day:%d/%m/%Y}"}
    return Result(found.status, facts)


JOURNEY = Journey(
    name="payment",
    title="My last payment",
    screens=tuple(Screen(words, words=words) for words in _WORDS.values()),
    in_menu=Choice("menu.payment", Step({str(key): words for key, words in _WORDS.items()}, act=look_up_payment)),
    menu_order=20,
)
