"""A provider in this process that keeps a book of what it really paid, and obeys scripts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from disbursements.configuration import ProviderAccount
from disbursements.providers.base import Answer, FloatBalance, Outcome, Transfer
from disbursements.statuses import ErrorClass


@dataclass(frozen=True)
class Script:
    """What happens to one send: whether the transfer is made, and what the sender hears."""

    answer: Answer
    is_made: bool
    error_class: ErrorClass | None = None
    code: str = ""


ACCEPT = Script(Answer.ACCEPTED, is_made=True)
LOSE_ANSWER = Script(Answer.UNKNOWN, is_made=True, code="READ_TIMEOUT")
LOSE_REQUEST = Script(Answer.UNKNOWN, is_made=False, code="READ_TIMEOUT")
NOT_SENT = Script(Answer.NOT_ASKED, is_made=False, error_class=ErrorClass.TEMPORARY, code="NO_CONNECTION")


FIREWALL = Script(Answer.BLOCKED, is_made=False, error_class=ErrorClass.CONFIGURATION, code="HTTP_403")


def turn_away(error_class: ErrorClass, code: str = "TURNED_AWAY") -> Script:
    return Script(Answer.TURNED_AWAY, is_made=False, error_class=error_class, code=code)


@dataclass
class World:
    """Everything outside: the book by (address, environment, reference), and what comes next."""

    book: dict[tuple[str, str, UUID], Transfer] = field(default_factory=dict)
    # Who sent each made transfer: nobody else finds it.
    senders: dict[UUID, str] = field(default_factory=dict)
    # Final words about references; a made transfer without one is paid.
    fates: dict[UUID, Outcome] = field(default_factory=dict)
    next_fates: list[Outcome] = field(default_factory=list)
    sends: list[Script] = field(default_factory=list)
    asks: list[Outcome] = field(default_factory=list)
    balance: Decimal | None = Decimal(1_000_000)
    calls: list[str] = field(default_factory=list)
    # Called before each call with its name: races and deaths are arranged here.
    interrupt: Callable[[str], None] = lambda name: None
    # Called first: whether it is a good moment to call at all.
    watch: Callable[[str], None] = lambda name: None

    def paid(self) -> list[Transfer]:
        """What reached payees: made and not refused."""
        return [
            transfer
            for (_, _, reference), transfer in self.book.items()
            if self.fates.get(reference, Outcome(Answer.PAID)).answer == Answer.PAID
        ]

    def build(self, account: ProviderAccount, *, base_url: str = "", environment: str = "") -> "FakeProvider":
        """Stands in for the client's builder."""
        return FakeProvider(
            self,
            base_url or account.momo_base_url,
            environment or account.momo_target_environment,
            account.momo_api_user,
            account.provider,
        )


@dataclass
class FakeProvider:
    """One address and environment of the world."""

    world: World
    base_url: str
    environment: str
    api_user: str = ""
    slug: str = "mtn_momo"

    def send(self, transfer: Transfer) -> Outcome:
        self._called("send")
        key = (self.base_url, self.environment, transfer.reference)
        if key in self.world.book:
            return Outcome(Answer.ACCEPTED, code="RESOURCE_ALREADY_EXIST", http_status=409)
        script = self.world.sends.pop(0) if self.world.sends else ACCEPT
        if script.is_made:
            self.world.book[key] = transfer
            self.world.senders[transfer.reference] = self.api_user
            if self.world.next_fates:
                self.world.fates[transfer.reference] = self.world.next_fates.pop(0)
        return Outcome(script.answer, script.error_class, script.code, http_status=None)

    def ask(self, reference: UUID) -> Outcome:
        self._called("ask")
        is_ours = self.world.senders.get(reference, self.api_user) == self.api_user
        transfer = self.world.book.get((self.base_url, self.environment, reference)) if is_ours else None
        scripted = self.world.asks.pop(0) if self.world.asks else None
        # A provider may keep silent or forget for a moment; it does not invent transfers that are under way.
        if scripted and (transfer or scripted.answer != Answer.PENDING):
            return scripted
        if transfer is None:
            return Outcome(Answer.NOT_FOUND, code="RESOURCE_NOT_FOUND", http_status=404)
        return self.world.fates.get(reference) or paid(transfer)

    def balance(self, currency: str) -> FloatBalance:
        self._called("balance")
        return FloatBalance(self.world.balance, currency)

    def _called(self, name: str) -> None:
        self.world.watch(name)
        self.world.calls.append(name)
        self.world.interrupt(name)


def paid(transfer: Transfer, **changes: Any) -> Outcome:
    """The provider's report of a paid transfer, or with what is changed."""
    report: dict[str, Any] = {
        "transaction_id": f"T-{transfer.reference}",
        "amount": transfer.amount,
        "currency": transfer.currency,
        "payee": transfer.payee,
        "http_status": 200,
        **changes,
    }
    return Outcome(Answer.PAID, **report)


def refused(error_class: ErrorClass, code: str = "FAILED") -> Outcome:
    return Outcome(Answer.REFUSED, error_class, code, http_status=200)


PENDING = Outcome(Answer.PENDING, http_status=200)
NO_ANSWER = Outcome(Answer.UNKNOWN, ErrorClass.TEMPORARY, "READ_TIMEOUT")
