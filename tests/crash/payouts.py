"""Payouts of redeemed codes, seen from inside and from outside."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import User
from configuration.services import change_category
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement
from ledger.invariants import registered_invariants
from notifications.models import SmsMessage
from promos.models import Batch, PromoCode, Redemption
from promos.services.redemptions import redeem_code
from tests.support.sandbox_process import SandboxProcess

AMOUNT = Decimal(5000)
CREDENTIALS = {
    "momo_api_user": "11111111-1111-4111-8111-111111111111",
    "momo_api_key": "sandbox-api-key",
    "momo_subscription_key": "sandbox-subscription-key",
}


@dataclass(frozen=True)
class Story:
    """What became of one redeemed code: our rows, the customer's phone, and the provider's book."""

    payout: str
    redemption: str
    code: str
    attempts: list[str]
    promised: list[str]
    messages: int
    book: list[str]


@dataclass(frozen=True)
class Payout:
    """One redeemed code. Every payout has a phone of its own."""

    id: UUID
    redemption_id: UUID
    phone: str

    @property
    def row(self) -> Disbursement:
        return Disbursement.objects.get(pk=self.id)

    def story(self, sandbox: SandboxProcess) -> Story:
        """Everything there is to compare."""
        redemption = Redemption.objects.select_related("promo_code", "disbursement").get(pk=self.redemption_id)
        attempts = Attempt.objects.filter(disbursement_id=self.id).order_by("number")
        promised = SmsMessage.objects.filter(to=self.phone).order_by("created_at")
        return Story(
            payout=redemption.disbursement.status,
            redemption=redemption.status,
            code=redemption.promo_code.status,
            attempts=[attempt.status for attempt in attempts],
            promised=[message.template for message in promised],
            messages=len(sandbox.sms(self.phone)),
            book=[transfer["status"] for transfer in sandbox.transfers(partyId=self.phone.removeprefix("+"))],
        )


def paid_once(story: Story) -> bool:
    """Whether exactly one transfer succeeded, every other was refused for certain, and the customer knows."""
    failures = story.attempts.count("refused")
    times_given_up = story.promised.count("promo.payment_failed")
    return story == Story(
        payout="completed",
        redemption="completed",
        code="redeemed",
        attempts=["refused"] * failures + ["succeeded"],
        promised=["promo.payment_failed"] * times_given_up + ["promo.paid"],
        messages=times_given_up + 1,
        book=["FAILED"] * failures + ["SUCCESSFUL"],
    )


def make_code(batch: Batch, number: int, *, at: datetime, amount: Decimal = AMOUNT) -> PromoCode:
    """The `number`-th code of the batch, counted as generation counts it."""
    Batch.objects.filter(pk=batch.pk).update(total_codes=number)
    text = f"CR{number:04d}26AA11BB20"
    return PromoCode.objects.create(batch=batch, code=text, amount=amount, created_at=at)


def make_customer(number: int) -> User:
    """Somebody in Rwanda who has dialled before."""
    return User.objects.create(phone=f"+25078812{number:04d}", language="en", network="MTN RW")


def redeem_one(batch: Batch, number: int, *, at: datetime) -> Payout:
    """The `number`-th customer redeems the `number`-th code: a payout that is due."""
    code, customer = make_code(batch, number, at=at), make_customer(number)
    phone = str(customer.phone)
    redeem_code(customer_id=customer.pk, phone=phone, typed=str(code), idempotency_key=f"session-{number}", at=at)
    redemption = Redemption.objects.get(promo_code=code)
    return Payout(redemption.disbursement_id, redemption.pk, phone)


def configure(at: datetime, **changes: Any) -> None:
    """Put payment settings in force for every process."""
    settings = {**CREDENTIALS, "momo_callbacks_enabled": False, **changes}
    change_category(PaymentSettings, changes=settings, changed_by=None, reason="Test", at=at)


def assert_invariants() -> None:
    """No money invariant is broken."""
    assert {name: found for name, check in registered_invariants().items() if (found := check())} == {}


def await_callbacks(sandbox: SandboxProcess) -> None:
    """What is in the post arrives."""
    sandbox.wait_until(
        lambda: all(delivery["state"] != "waiting" for delivery in sandbox.callbacks()),
        seconds=60,
        what="callbacks to arrive",
    )
