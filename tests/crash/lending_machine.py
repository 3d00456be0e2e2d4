"""What may happen next where people borrow: all of `tests.crash.machine`, and what is done with loans."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from loans.models import PaidInNotice
from loans.refusals import LendingRefusal
from loans.services.credit import adjust_credit
from loans.services.due import mark_overdue
from loans.services.paid_in import NoticeConflict, match_notice, store_notice
from loans.services.repayments import LoanNotOwed, RepaymentConflict, record_repayment
from loans.services.reversals import reverse_repayment
from loans.services.staff_loans import (
    approve_loan,
    cancel_loan,
    create_loan,
    disburse_loan,
    reject_loan,
    retry_payout,
)
from loans.services.write_offs import NotWritable, write_off_loan
from loans.statuses import LoanStatus, PaidInStatus
from tests.crash.lending_model import Promise
from tests.crash.lending_town import NAIRA_HOME, LendingTown, spell
from tests.crash.machine import Happenings
from tests.crash.town import ABROAD

DAYS = [timedelta(days=days) for days in (1, 14, 31, 45)]
# Partly, fully, and more than any loan here, with the kobo of a bank.
SUMS = [Decimal("0.01"), Decimal(1000), Decimal(5000), Decimal(10_000), Decimal("15000.50")]
STEPS: dict[str, Callable[..., Any]] = {
    "approve": approve_loan,
    "reject": reject_loan,
    "disburse": disburse_loan,
    "cancel": cancel_loan,
    "retry": retry_payout,
}
SAYS_WHY = {"reject", "cancel", "retry"}

somebody = st.integers(0, 2)
some_loan = st.integers(0, 5)
sessions = st.sampled_from(["evening", "morning"])
forms = st.sampled_from(["e164", "home", "bare", "spaced"])
# By option or by amount; one that nobody is offered.
selections = st.sampled_from([(1, None), (3, None), (3, None), (None, 5000), (None, 10_000), (None, 1)])
rails = st.sampled_from(["bank", "cash", "mtn_momo"])
# Few, so that they repeat.
references = st.sampled_from([f"TRF-{number}" for number in range(8)])
sums = st.sampled_from(SUMS)


class Lending(Happenings):
    """Random acts on a town that lends; `town` is set by the test."""

    town: LendingTown

    @initialize(count=st.integers(1, 3))
    def some_have_borrowed(self, count: int) -> None:
        for who in range(count):
            self.town.ask_for_offers(who, session_id="evening")
            self.customer_approves(who, "evening", (3, None), "e164")

    # Customers

    @rule(who=somebody, session=sessions)
    def customer_asks_for_offers(self, who: int, session: str) -> None:
        self.town.ask_for_offers(who, session_id=session)

    @rule(who=somebody, session=sessions, selection=selections, form=forms)
    def customer_approves(self, who: int, session: str, selection: tuple[int | None, int | None], form: str) -> None:
        """With the offers on the screen, or long after they are forgotten."""
        option, amount = selection
        typed = spell(str(self.town.borrowers[who].phone), form)
        self.town.approve(who, typed=typed, session_id=session, option=option, amount=amount)

    @rule(who=somebody, selection=selections, form=forms)
    def customer_borrows(self, who: int, selection: tuple[int | None, int | None], form: str) -> None:
        """Offers, and at once what was chosen, twice."""
        self.town.ask_for_offers(who, session_id="evening")
        for _time in range(2):
            self.customer_approves(who, "evening", selection, form)

    # Money comes in

    @rule(number=some_loan, amount=sums, rail=rails, reference=references, days=st.sampled_from([0, 0, 3]))
    def money_is_booked(self, number: int, amount: Decimal, rail: str, reference: str, days: int) -> None:
        """By staff or from a file: partly, fully, too much, late, and under a reference used before."""
        for promise in self.town.promise(number):
            known = self.town.books.paid_in.get((rail, reference))
            takes_money = self.town.takes_money(promise)
            try:
                booked = self._book(promise, amount, rail, reference, days)
            except RepaymentConflict:
                assert known is not None and (known.loan, known.amount) != (promise.id, amount)
            except LoanNotOwed:
                assert known is None and not takes_money
            else:
                self.town.money_came(booked.repayment, is_new=booked.is_new)

    def _book(self, promise: Promise, amount: Decimal, rail: str, reference: str, days: int) -> Any:
        return record_repayment(
            loan_id=promise.id,
            amount=amount,
            currency="NGN",
            rail=rail,
            reference=reference,
            channel="file" if days else "staff",
            received_at=self.town.at - timedelta(days=days),
            entered_by=None if days else self.town.keeper,
            at=self.town.at,
        )

    @rule(
        who=somebody, named=some_loan | st.just(None), amount=sums, rail=rails, reference=references, wait=st.booleans()
    )
    def partner_tells_of_money(
        self, who: int, named: int | None, amount: Decimal, rail: str, reference: str, wait: bool
    ) -> None:
        """Money sent unasked, with a loan's number or without; a worker looks at once, or a sweep later."""
        number = "".join(promise.row.number for promise in self.town.promise(named)) if named is not None else ""
        phone = str(self.town.borrowers[who].phone)
        content = (phone, amount, number)
        first = self.town.books.notices.setdefault((rail, reference), content)
        try:
            stored = store_notice(
                rail=rail,
                reference=reference,
                phone=phone,
                amount=amount,
                currency="NGN",
                loan_number=number,
                partner="bank@partner.example",
                paid_at=self.town.at,
                at=self.town.at,
            )
        except NoticeConflict:
            assert first != content
            return
        assert first == content
        if not wait:
            self._match(stored.notice)

    @rule()
    def worker_looks_at_notices(self) -> None:
        for notice in PaidInNotice.objects.filter(looked_at=None).order_by("received_at", "rail", "reference"):
            self._match(notice)

    def _match(self, notice: PaidInNotice) -> None:
        was_applied = notice.status == PaidInStatus.APPLIED
        key = (notice.rail, notice.reference)
        known = key in self.town.books.paid_in
        match_notice(notice_id=notice.pk, at=self.town.at)
        notice.refresh_from_db()
        if notice.repayment is not None and not was_applied:
            self.town.money_came(notice.repayment, is_new=not known)

    # Staff

    @rule(number=st.integers(0, 7))
    def staff_take_money_back(self, number: int) -> None:
        for money in list(self.town.books.paid_in.values())[number : number + 1]:
            reverse_repayment(repayment_id=money.id, reversed_by=self.town.keeper, reason="Bounced", at=self.town.at)
            money.is_reversed = True

    @rule(number=some_loan)
    def staff_write_off(self, number: int) -> None:
        for promise in self.town.promise(number):
            before = promise.row.status
            try:
                write_off_loan(loan_id=promise.id, written_off_by=self.town.keeper, reason="Gone", at=self.town.at)
            except NotWritable:
                assert before not in LoanStatus.OWED | {LoanStatus.WRITTEN_OFF}
            else:
                assert promise.row.status == LoanStatus.WRITTEN_OFF

    @rule(
        who=somebody,
        amount=st.sampled_from([Decimal(1000), Decimal(5000), Decimal(10_000), Decimal(50_000)]),
        form=st.integers(0, 3),
    )
    def staff_make_a_loan(self, who: int, amount: Decimal, form: int) -> None:
        with suppress(LendingRefusal):
            loan = create_loan(
                phone=str(self.town.borrowers[who].phone),
                amount=amount,
                note="At the counter",
                created_by=self.town.keeper,
                key=f"form-{who}-{form}",
                at=self.town.at,
            )
            self.town.staff_lent(loan)

    @rule(number=some_loan, step=st.sampled_from(["approve", "disburse", *sorted(STEPS)]))
    def staff_move_a_loan(self, number: int, step: str) -> None:
        """The boss does, since the keeper made it."""
        by = {"reject": "rejected_by", "retry": "requested_by", "disburse": "disbursed_by", "cancel": "cancelled_by"}
        why = {"reason": "Test"} if step in SAYS_WHY else {}
        for promise in self.town.promise(number):
            person = {by.get(step, "approved_by"): self.town.boss}
            with suppress(LendingRefusal):
                STEPS[step](loan_id=promise.id, at=self.town.at, **person, **why)

    @rule(
        who=somebody,
        score=st.sampled_from([0, 300, 620, 850]),
        limit=st.sampled_from([None, Decimal(4000), Decimal(30_000)]),
    )
    def staff_change_credit(self, who: int, score: int, limit: Decimal | None) -> None:
        """Between offer and approval as well."""
        adjust_credit(
            customer_id=self.town.borrowers[who].pk,
            score=score,
            credit_limit=limit,
            automatic_limit=limit is None,
            reason="Test",
            changed_by=self.town.keeper,
            at=self.town.at,
        )

    @rule(environment=st.sampled_from([NAIRA_HOME, NAIRA_HOME, ABROAD]))
    def staff_send_naira_elsewhere(self, environment: str) -> None:
        self.town.send_naira_to(environment)

    # Time and the outside

    @rule(days=st.sampled_from(DAYS))
    def days_pass(self, days: timedelta) -> None:
        """And beat looks at due dates."""
        self.town.pass_days(days)
        mark_overdue(at=self.town.at)

    @rule(amount=st.sampled_from([0, 9000, 1_000_000]))
    def naira_are_changed(self, amount: int) -> None:
        self.town.sandbox.set_float(amount, "NGN")

    @rule()
    def redis_goes(self) -> None:
        self.town.redis_goes()

    @rule()
    def redis_comes_back(self) -> None:
        self.town.redis_comes_back()
