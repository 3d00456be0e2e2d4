"""Reminding customers of what they owe, before and after the due date; never in the quiet hours.

At most one reminder a day and loan: the day is stored in the transaction that queues the message. A day on which no
worker ran is not made up for: its reminder would be wrong by then.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db import transaction

from configuration.selectors import current
from ledger.money import format_amount
from loans.configuration import LoanSettings
from loans.locks import lock_loans_to_remind
from loans.models import Loan
from loans.reminder_settings import ReminderSettings
from notifications.services import send_sms

# Messages queued in one transaction.
CHUNK = 200


def send_reminders(*, at: datetime) -> int:
    """Queue today's reminders; how many. Safe to run twice, and beside itself."""
    settings = current(ReminderSettings)
    local = at.astimezone(current(LoanSettings).zone)
    if not settings.send_from <= local.time() < settings.send_until:
        return 0
    return sum(
        _remind(due_date=due_date, template=template, today=local.date(), at=at)
        for due_date, template in _due_dates(settings, today=local.date())
    )


def _due_dates(settings: ReminderSettings, *, today: date) -> Iterator[tuple[date, str]]:
    """Loans due on these days are reminded today, with these words."""
    for days in settings.days_before_due:
        yield today + timedelta(days=days), "loan.due_soon"
    if settings.on_due_date:
        yield today, "loan.due_today"
    for days in settings.days_overdue:
        yield today - timedelta(days=days), "loan.overdue"


def _remind(*, due_date: date, template: str, today: date, at: datetime) -> int:
    total = 0
    while True:
        with transaction.atomic():
            loans = lock_loans_to_remind(due_date=due_date, today=today, most=CHUNK)
            for loan in loans:
                _tell(loan, template, today=today, at=at)
            Loan.objects.filter(pk__in=[loan.pk for loan in loans]).update(reminded_on=today)
        total += len(loans)
        if len(loans) < CHUNK:
            return total


def _tell(loan: Loan, template: str, *, today: date, at: datetime) -> None:
    send_sms(
        to=loan.phone,
        template=template,
        language=loan.customer.language or "en",
        context={
            "amount": format_amount(loan.outstanding, loan.currency),
            "number": loan.number,
            "day": f"{loan.due_date:%d/%m/%Y}",
        },
        key=f"loan:{loan.pk}:reminder:{today}",
        at=at,
    )
