"""What each row of a file of repayments would do, by what is stored now. Reads only.

Rows are judged one after another: a second row for the same loan finds what the first one would leave.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from uuid import UUID

from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from configuration.selectors import current
from ledger.money import format_amount, is_payable
from loans.configuration import LoanSettings
from loans.models import Loan, Repayment, RepaymentFile, RepaymentFileLine
from loans.repayment_csv import BadRow, Row
from loans.selectors import loans_numbered, owed_loans_of_phones, repayments_with
from loans.services.repayments import PAYABLE
from loans.statuses import LineStatus, LoanStatus, Rail

ROWS_AT_ONCE = 1000
# `credit` moves money that we hold already.
RAILS = tuple(rail for rail in Rail.values if rail != Rail.CREDIT)


def preview_rows(file: RepaymentFile, rows: Iterable[Row | BadRow], *, at: datetime) -> list[RepaymentFileLine]:
    """A line for each row, not saved: good with what it would do, bad with the reason, or booked before."""
    preview = _Preview(file, at)
    lines: list[RepaymentFileLine] = []
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_AT_ONCE)):
        preview.look_up([row for row in chunk if isinstance(row, Row)])
        lines += [preview.judge(row) for row in chunk]
    return lines


class _Preview:
    """What is known of the loans of a chunk, and of what earlier rows would leave of them."""

    def __init__(self, file: RepaymentFile, at: datetime) -> None:
        self.file = file
        self.at = at
        self.settings = current(LoanSettings)
        self.left: dict[UUID, Decimal] = {}
        self.phones: dict[str, str] = {}
        self.by_number: dict[str, Loan] = {}
        self.by_phone: dict[str, list[Loan]] = {}
        self.booked: dict[tuple[str, str], Repayment] = {}

    def look_up(self, rows: Sequence[Row]) -> None:
        """Read what these rows need, in a statement per kind."""
        self.phones = {row.phone: self._phone(row.phone) for row in rows if row.phone}
        self.by_number = loans_numbered([row.loan for row in rows if row.loan])
        self.by_phone = owed_loans_of_phones([phone for phone in self.phones.values() if phone])
        self.booked = repayments_with([(row.rail, row.reference) for row in rows])

    def judge(self, row: Row | BadRow) -> RepaymentFileLine:
        """The row's line."""
        if isinstance(row, BadRow):
            return RepaymentFileLine(
                file=self.file, number=row.line, status=LineStatus.BAD, reason=row.reason[:300], text=row.text
            )
        line = RepaymentFileLine(
            file=self.file,
            number=row.line,
            status=LineStatus.GOOD,
            loan_number=row.loan,
            phone=self.phones.get(row.phone) or row.phone,
            amount=row.amount,
            rail=row.rail,
            reference=row.reference,
            received_at=row.received_at,
            note=row.note,
        )
        try:
            self._decide(line, row)
        except ValueError as reason:
            line.status = LineStatus.BAD
            line.reason = str(reason)[:300]
        return line

    def _decide(self, line: RepaymentFileLine, row: Row) -> None:
        """Fill the line in. Raises ValueError with what is wrong."""
        if row.rail not in RAILS:
            raise ValueError(f"Unknown rail {row.rail!r}: one of {', '.join(RAILS)}.")
        if row.received_at > self.at:
            raise ValueError("The day of payment is in the future.")
        if not is_payable(row.amount, self.settings.currency):
            raise ValueError(f"{row.amount} has more decimals than {self.settings.currency} has.")
        if first := self.booked.get((row.rail, row.reference)):
            self._compare(line, row, first)
            return
        loan = self._loan_of(row)
        line.loan = loan
        line.reason = self._words(loan, row.amount)

    def _compare(self, line: RepaymentFileLine, row: Row, first: Repayment) -> None:
        loan = first.loan
        named = row.loan == loan.number or self.phones.get(row.phone) == loan.phone
        if not named or first.amount != row.amount:
            raise ValueError(
                f"This reference was booked before: {format_amount(first.amount, first.currency)}"
                f" for loan {loan.number}."
            )
        line.status = LineStatus.REPEATED
        line.repayment = first
        line.loan = loan
        line.reason = f"Booked before on loan {loan.number}: nothing happens."

    def _loan_of(self, row: Row) -> Loan:
        if row.loan:
            loan = self.by_number.get(row.loan)
            if loan is None:
                raise ValueError(f"No loan {row.loan}.")
            if loan.status not in PAYABLE:
                raise ValueError(f"Loan {loan.number} was not paid out: {LoanStatus(loan.status).label.lower()}.")
            return loan
        phone = self.phones[row.phone]
        if not phone:
            raise ValueError(f"{row.phone} is not a mobile number of {self.settings.region}.")
        owed = self.by_phone.get(phone, [])
        for loan in owed:
            if self._left_of(loan):
                return loan
        raise ValueError("The customer with this phone number owes nothing.")

    def _words(self, loan: Loan, amount: Decimal) -> str:
        """What the row would do; and remember what it would leave."""
        left = self._left_of(loan)
        taken = min(left, amount)
        self.left[loan.pk] = left - taken
        words = f"Loan {loan.number}: pays {format_amount(taken, loan.currency)}"
        if left - taken:
            words += f", leaves {format_amount(left - taken, loan.currency)}"
        else:
            words += ", repaid in full" if taken else ", is repaid already"
        if amount - taken:
            words += f"; {format_amount(amount - taken, loan.currency)} too much goes to other loans or is held"
        return words + "."

    def _left_of(self, loan: Loan) -> Decimal:
        return self.left.get(loan.pk, loan.outstanding)

    def _phone(self, raw: str) -> str:
        try:
            return parse_phone(raw, region=self.settings.region, any_country=True)
        except InvalidPhoneNumber:
            return ""
