"""The town of `tests.crash.town`, where three more customers borrow naira, and what must be true of their loans."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from accounts.models import User
from accounts.phone_numbers import parse_phone
from configuration.services import NothingChanged
from disbursements.configuration import NigeriaPayments
from disbursements.models import Disbursement
from loans.answers import ApprovalResult
from loans.configuration import LoanSettings
from loans.models import CreditProfile, Loan, PaidInNotice, Repayment
from loans.services.approvals import approve_offer
from loans.services.credit import facts_of
from loans.services.offers import make_offers
from loans.services.paid_in import sweep_notices
from loans.services.repayments import PAYABLE
from loans.sessions import OfferSession, read_session
from loans.settings_in_force import lending_settings
from loans.statuses import LoanStatus, PaidInStatus, Refusal
from notifications.services.sending import send_due
from tests.crash.faults import FULL_FLOAT
from tests.crash.lending_model import Books, PaidIn, Promise
from tests.crash.loans import PARTNER, make_borrower
from tests.crash.payouts import CREDENTIALS
from tests.crash.town import DAY, Town
from tests.crash.workers import Workers
from tests.support.sandbox_process import SandboxProcess
from tests.ussd.outages import closed_port

NAIRA_HOME = "mtnnigeria"
# Of what is offered to a newcomer, the largest waits for a second person.
THRESHOLD = Decimal(8000)
# No loan is made for one of these reasons, when nothing else stands against it.
NOT_OFFERED = {Refusal.INVALID_SELECTION, Refusal.NO_ELIGIBLE_AMOUNT, Refusal.NO_OFFERS}


class LendingTown(Town):
    """Its loans stand before the payouts of codes. `books` is what everything must add up to."""

    def __init__(self, *, workers: Workers, sandbox: SandboxProcess, at: datetime) -> None:
        self._outage: override_settings | None = None
        # Redis was away, and may remember what the database no longer says.
        self.redis_missed_something = False
        super().__init__(workers=workers, sandbox=sandbox, at=at)
        self._set(
            NigeriaPayments,
            **CREDENTIALS,
            momo_base_url=sandbox.url,
            momo_callbacks_enabled=True,
            approval_threshold=THRESHOLD,
        )
        # Sessions end by acts, and not because the machine is slow.
        self._set(LoanSettings, session_seconds=3600)
        self.boss = User.objects.create_user(email="boss@example.com", password="x")
        self.borrowers = [make_borrower(number) for number in (1, 2, 3)]
        self.books = Books()

    # What is there

    def payouts(self) -> list[Disbursement]:
        """Of loans first, then of codes; each in the order they were asked for."""
        loans = [promise.row for promise in self.books.promises]
        payouts = [loan.disbursement for loan in loans if loan.disbursement is not None]
        return [*payouts, *super().payouts()]

    def promise(self, number: int) -> list[Promise]:
        """The `number`-th loan, if there is one."""
        return self.books.promises[number : number + 1]

    def session_of(self, phone: str) -> OfferSession | None:
        return read_session(phone).session

    # Acts of customers

    def ask_for_offers(self, who: int, *, session_id: str) -> None:
        """What is shown is never above the limit that staff set, and newcomers are shown three amounts."""
        borrower = self.borrowers[who]
        result = make_offers(
            phone=str(borrower.phone), session_id=session_id, network="MTN NG", partner=PARTNER, at=self.at
        )
        assert result.refusal in (None, Refusal.NO_ELIGIBLE_AMOUNT, Refusal.NO_OFFERS), result
        assert bool(result.terms) == (result.refusal is None)
        assert all(terms.amount == terms.disbursed_amount + terms.interest for terms in result.terms)

    def approve(self, who: int, *, typed: str, session_id: str, option: int | None, amount: int | None) -> None:
        """An approval, answered as what was promised before demands."""
        borrower, phone = self.borrowers[who], parse_phone(typed, region="NG")
        assert phone == borrower.phone
        session = self.session_of(phone)
        instance = session.instance if session else ""
        first = self.books.first_of_session(borrower.pk, session_id=session_id, instance=instance, at=self.at)
        too_soon = self.books.is_too_soon(borrower.pk, at=self.at)
        again = self.books.repeated(borrower.pk, session_id=session_id, option=option, amount=amount, at=self.at)
        room = self._room(borrower)
        result = approve_offer(
            phone=phone,
            session_id=session_id,
            option=option,
            amount=None if amount is None else Decimal(amount),
            network="MTN NG",
            partner=PARTNER,
            at=self.at,
        )
        if first is not None:
            self._check_repeat(first, result, selects=first.is_selected(option, amount))
        elif too_soon and again is not None:
            # Staff may have called off what was newer, and with it the memory of a pause.
            assert result.refusal in NOT_OFFERED or (result.is_repeat and result.loan.id == again.id), result
        elif too_soon:
            assert result.loan is None and result.refusal in NOT_OFFERED | {Refusal.COOLDOWN_ACTIVE}, result
        elif result.loan is None:
            assert result.refusal in NOT_OFFERED | {Refusal.CREDIT_LIMIT_EXCEEDED}, result
        elif result.is_repeat:
            # Of a loan that is dead by now, by a Redis that was away when it died.
            assert self.redis_missed_something and result.loan.id in {promise.id for promise in self.books.promises}
        else:
            assert result.loan.amount <= room, f"{result} with room for {room}"
            loan = Loan.objects.get(pk=result.loan.id)
            self._promise(loan, option=loan.explanation["option"], session_id=session_id, instance=instance)

    def _check_repeat(self, first: Promise, result: ApprovalResult, *, selects: bool) -> None:
        """The first loan's answer; another amount of the session is refused."""
        if selects:
            assert result.loan is not None and result.is_repeat, result
            assert (result.loan.id, result.loan.amount) == (first.id, first.amount), (result, first)
        else:
            assert (result.loan, result.refusal) == (None, Refusal.INVALID_SELECTION), result

    def _room(self, borrower: User) -> Decimal:
        """What the limit in force leaves the customer."""
        profile = CreditProfile.objects.filter(pk=borrower.pk).first()
        limit = facts_of(profile, lending_settings().credit).credit_limit
        return limit - (profile.outstanding if profile else 0)

    def _promise(self, loan: Loan, *, option: int = 0, session_id: str = "", instance: str = "") -> None:
        self.books.promises.append(
            Promise(loan.pk, loan.customer_id, loan.amount, option, session_id, instance, loan.created_at)
        )

    def staff_lent(self, loan: Loan) -> None:
        """Staff made this loan, or got it again for the same form."""
        if loan.pk not in {promise.id for promise in self.books.promises}:
            self._promise(loan)

    def money_came(self, repayment: Repayment, *, is_new: bool) -> None:
        """Booked for the first time under its reference, or known already and the same."""
        key = (repayment.rail, repayment.reference)
        known = self.books.paid_in.get(key)
        assert is_new == (known is None), repayment
        if known is None:
            self.books.paid_in[key] = PaidIn(
                repayment.pk, repayment.loan_id, repayment.customer_id, repayment.amount, is_reversed=False
            )
        else:
            assert (known.id, known.loan, known.amount) == (repayment.pk, repayment.loan_id, repayment.amount)

    def takes_money(self, promise: Promise) -> bool:
        return promise.row.status in PAYABLE

    # Acts of the outside

    def redis_goes(self) -> None:
        """From now on nobody in this process reaches it; workers that are processes of their own still do."""
        if self._outage is None:
            caches = {alias: dict(values) for alias, values in settings.CACHES.items()}
            caches["sessions"]["LOCATION"] = f"redis://127.0.0.1:{closed_port()}"
            self._outage = override_settings(CACHES=caches)
            self._outage.enable()
            self.redis_missed_something = True

    def redis_comes_back(self) -> None:
        """With all it had."""
        if self._outage is not None:
            self._outage.disable()
            self._outage = None

    def forget_redis(self) -> None:
        """It is there again, and empty."""
        self.redis_comes_back()
        super().forget_redis()
        self.redis_missed_something = False

    def send_naira_to(self, environment: str) -> None:
        """Staff set where naira are sent. Abroad nobody takes them."""
        with suppress(NothingChanged):
            self._set(NigeriaPayments, momo_target_environment=environment)

    def pass_days(self, days: timedelta) -> None:
        """Messages that wait are sent on the first of them, whatever the clock said before: days later they are too
        old.
        """
        self.at += DAY / 2
        send_due(at=self.at)
        self.at += days - DAY / 2

    # What must be true

    def broken_promises(self) -> dict[str, object]:
        found = super().broken_promises() | self.books.find_breaches()
        book = self.sandbox.transfers(status="SUCCESSFUL")
        for loan in [promise.row for promise in self.books.promises]:
            references = self._references(loan)
            paid = [transfer for transfer in book if transfer["referenceId"] in references]
            sums = [(Decimal(str(transfer["amount"])), transfer["currency"]) for transfer in paid]
            if loan.disbursed_at and sums != [(loan.disbursed_amount, loan.currency)]:
                found[f"transfers of {loan}"] = (loan.status, sums)
        return found

    def _references(self, loan: Loan) -> set[str]:
        if loan.disbursement is None:
            return set()
        return {str(pk) for pk in loan.disbursement.attempts.values_list("pk", flat=True)}

    # The end of a run

    def bring_home(self) -> None:
        self.redis_comes_back()
        self.sandbox.set_float(FULL_FLOAT, "NGN")
        self.send_naira_to(NAIRA_HOME)
        # Whatever the clock said when they came, beat finds notices a day later.
        self.pass_days(DAY)
        sweep_notices(at=self.at)
        super().bring_home()

    def unfinished(self) -> list[str]:
        """Also loans that are under way, and notices that nobody looked at."""
        under_way = [promise.row for promise in self.books.promises if promise.row.status == LoanStatus.APPROVED]
        left = [f"{loan} {loan.status} {loan.error_code}" for loan in under_way if loan.disbursement is not None]
        unseen = PaidInNotice.objects.filter(status=PaidInStatus.UNMATCHED, looked_at=None)
        return super().unfinished() + left + [str(notice) for notice in unseen]


def spell(phone: str, form: str) -> str:
    """The number as somebody writes it."""
    local = phone.removeprefix("+234")
    forms: dict[str, Any] = {
        "e164": phone,
        "home": f"0{local}",
        "bare": f"234{local}",
        "spaced": f"0{local[:3]} {local[3:6]} {local[6:]}",
    }
    return str(forms[form])
