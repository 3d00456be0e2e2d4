"""A small town of payouts for random acts: who lives there, what is promised, and what must be true at any time.

Nothing settles at the provider by itself, and no nudge arrives, so that a run depends on no race: settling and looking
are acts like the others.
"""

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection

from accounts.models import User
from configuration.categories import Category
from configuration.services import NothingChanged, change_category
from configuration.snapshot import forget_snapshot
from disbursements.configuration import PaymentSettings
from disbursements.models import Attempt, Disbursement
from disbursements.services.decisions import approve_disbursement, retry_disbursement
from disbursements.services.resolutions import NotResolvable, state_not_paid
from ledger.invariants import registered_invariants
from notifications.configuration import NotificationSettings
from notifications.models import SmsMessage
from promos.configuration import PromoRules
from promos.models import Batch, Redemption
from promos.services.batches import create_batch
from promos.terms import BatchTerms
from tests.crash.faults import FULL_FLOAT
from tests.crash.payouts import AMOUNT, await_callbacks, configure, make_code, make_customer
from tests.crash.workers import Workers
from tests.support.fast_flush import empty_tables
from tests.support.sandbox_process import SandboxProcess

DAY = timedelta(days=1)
DAY_MS = 86_400_000
# The last code pays more and waits for a second person; the budget is for four of the others.
AMOUNTS = [AMOUNT] * 5 + [AMOUNT + 2000]
BUDGET = AMOUNT * 4
HOME, ABROAD = "mtnrwanda", "mtnuganda"


class Town:
    """Three customers, six codes, a keeper; a clock that anybody may turn."""

    def __init__(self, *, workers: Workers, sandbox: SandboxProcess, at: datetime) -> None:
        self.workers = workers
        self.sandbox = sandbox
        self.at = at
        empty_tables()
        forget_snapshot()
        sandbox.reset()
        sandbox.behaviour(settleMs=DAY_MS)
        self.forget_redis()
        # Some workers are processes of their own, some are this one: all speak to the same outside.
        configure(
            at,
            momo_base_url=sandbox.url,
            momo_callbacks_enabled=True,
            approval_threshold=Decimal(6000),
            breaker_failures=3,
        )
        self._set(NotificationSettings, base_url=sandbox.url)
        # Customers try each other's codes all day, and that is not what this is about.
        self._set(PromoRules, attempts_per_minute=10_000, attempts_per_hour=10_000, attempts_per_day=10_000)
        self.keeper = User.objects.create_user(email="keeper@example.com", password="x")
        self.customers = [make_customer(number) for number in (1, 2, 3)]
        self.batch = self._open_batch()
        self.codes = [
            make_code(self.batch, number, at=at, amount=amount) for number, amount in enumerate(AMOUNTS, start=1)
        ]

    def _open_batch(self) -> Batch:
        terms = BatchTerms(
            name="Harvest",
            description="",
            amount_per_code=AMOUNT,
            currency="RWF",
            expiration_date=self.at + 3600 * DAY,
            budget=BUDGET,
        )
        return create_batch(terms=terms, at=self.at)

    # What is there

    def payouts(self) -> list[Disbursement]:
        """In the order they were asked for, whatever the clock said then."""
        return [redemption.disbursement for redemption in self._redemptions()]

    def _redemptions(self) -> list[Redemption]:
        return list(Redemption.objects.select_related("disbursement", "promo_code").order_by("promo_code_id"))

    def money_left(self) -> Decimal:
        """What the budget still allows."""
        promised = Redemption.objects.exclude(status="cancelled").values_list("amount", flat=True)
        return BUDGET - sum(promised)

    # Acts of the outside

    def forget_redis(self) -> None:
        """Redis was restarted without its data."""
        client = get_redis_connection("sessions")
        for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000):
            client.delete(key)

    def settle_at_provider(self, number: int | None = None) -> None:
        """Let the provider finish one of its pending transfers, or all; callbacks of it arrive."""
        pending = self.sandbox.transfers(status="PENDING")
        for transfer in pending if number is None else pending[number : number + 1]:
            self.sandbox.settle(transfer["referenceId"])
            self.sandbox.wait_until(lambda transfer=transfer: not self._is_pending(transfer), what="a transfer")
        await_callbacks(self.sandbox)

    def _is_pending(self, transfer: dict[str, Any]) -> bool:
        pending = self.sandbox.transfers(status="PENDING")
        return transfer["referenceId"] in {other["referenceId"] for other in pending}

    def send_to(self, environment: str) -> None:
        """Staff set where payouts are sent. Abroad nobody takes our currency."""
        with suppress(NothingChanged):
            self._set(PaymentSettings, momo_target_environment=environment)

    def _set(self, category: type[Category], **changes: Any) -> None:
        change_category(category, changes=changes, changed_by=None, reason="Test", at=self.at)

    # What must be true

    def broken_promises(self) -> dict[str, object]:
        """What must never be, and is: between the provider's book, our payouts, and the rows among themselves."""
        found: dict[str, object] = {
            name: breaches for name, check in registered_invariants().items() if (breaches := check())
        }
        book: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for transfer in self.sandbox.transfers():
            book[transfer["referenceId"]].append(transfer)
        attempts = {str(attempt.pk): attempt for attempt in Attempt.objects.select_related("disbursement")}
        if unknown := set(book) - set(attempts):
            found["sent and never stored"] = unknown
        for payout in self.payouts():
            transfers = [
                transfer
                for reference, attempt in attempts.items()
                if attempt.disbursement_id == payout.pk
                for transfer in book[reference]
            ]
            if words := self._find_contradiction(payout, [transfer["status"] for transfer in transfers]):
                found[payout.key] = words
        return found

    def _find_contradiction(self, payout: Disbursement, book: list[str]) -> str:
        """What the book says of a payout that cannot be; empty when all is well."""
        may_still_pay = len(book) - book.count("FAILED")
        if may_still_pay > 1:
            return f"{payout.status}, and may be paid {may_still_pay} times: {book}"
        if payout.status == "completed" and "SUCCESSFUL" not in book:
            return f"completed, and nobody was paid: {book}"
        if payout.status in ("failed", "cancelled") and may_still_pay:
            return f"{payout.status}, and the provider has it: {book}"
        return ""

    # The end of a run

    def bring_home(self) -> None:
        """All is well again and time passes: workers sweep, staff decide what waits for them."""
        self.sandbox.faults("none")
        self.sandbox.set_float(FULL_FLOAT, "RWF")
        self.sandbox.behaviour(settleMs=0)
        self.send_to(HOME)
        self.settle_at_provider()
        self._work_for_a_day()
        for _round in range(3):
            # Long enough for a person to be sure that what is unknown will not arrive.
            self.at += DAY
            for payout in self.payouts():
                self._decide(payout)
            self._work_for_a_day()

    def _decide(self, payout: Disbursement) -> None:
        """What a person can do about a payout that waits for one."""
        by_keeper = {"disbursement_id": payout.pk, "at": self.at}
        if payout.status == "awaiting_approval":
            approve_disbursement(approved_by=self.keeper, **by_keeper)
        elif payout.status == "failed":
            # Sent abroad with one answer missing, it may never be sent anywhere else, and abroad nobody takes it.
            with suppress(NotResolvable):
                state_not_paid(decided_by=self.keeper, reason="Not there", **by_keeper)
            retry_disbursement(requested_by=self.keeper, reason="Well again", **by_keeper)

    def _work_for_a_day(self) -> None:
        self.forget_redis()
        self.at = self.workers.work(at=self.at, for_=DAY, await_callbacks=True).at

    def unfinished(self) -> list[str]:
        """What is left to do after `bring_home`: nothing should be. Alarms other than on our set-up are named too."""
        left = [
            f"{payout.key} {payout.status} {payout.error_code} {payout.alarm}"
            for payout in self.payouts()
            if payout.status not in ("completed", "cancelled") or payout.alarm not in ("", "configuration")
        ]
        told = SmsMessage.objects.filter(status="sent").count()
        if not told == SmsMessage.objects.count() == len(self.sandbox.sms()):
            left.append(f"{told} messages sent of {SmsMessage.objects.count()}, {len(self.sandbox.sms())} arrived")
        return left
