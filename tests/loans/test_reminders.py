"""Reminders before and after the due date: once a day, in the customer's language, never in the quiet hours."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from loans.reminder_settings import ReminderSettings
from loans.services.reminders import send_reminders
from notifications.models import SmsMessage
from tests.loans.conftest import BOB, make_customer
from tests.loans.rows import make_loan

pytestmark = pytest.mark.django_db


def due_in(days: int, now: datetime, *, phone: str = BOB, language: str = "en", **fields: Any) -> None:
    """Somebody owes 10,000, due in so many days."""
    customer = make_customer(phone, language=language)
    make_loan(
        customer,
        at=now - timedelta(days=30),
        **{"status": "DISBURSED", "due_date": now.date() + timedelta(days=days)} | fields,
    )


def sent() -> list[tuple[str, str]]:
    return list(SmsMessage.objects.order_by("created_at", "id").values_list("template", "language"))


@pytest.mark.parametrize(
    ("days", "template"),
    [
        (4, None),
        (3, "loan.due_soon"),
        (2, None),
        (1, "loan.due_soon"),
        (0, "loan.due_today"),
        (-1, "loan.overdue"),
        (-2, None),
        (-7, "loan.overdue"),
        (-30, "loan.overdue"),
        (-31, None),
    ],
)
def test_days_on_which_customers_are_reminded(now: datetime, days: int, template: str | None) -> None:
    due_in(days, now)

    assert send_reminders(at=now) == (template is not None)
    assert sent() == ([(template, "en")] if template else [])


def test_words_name_loan_day_and_what_is_left(now: datetime) -> None:
    due_in(3, now, amount_paid=4_000, outstanding=6_000, status="REPAYING")

    send_reminders(at=now)

    assert SmsMessage.objects.get().body == (
        "Your loan USS-2026-001 is due on 23/11/2026. You owe NGN 6,000. Dial the loan code and choose Repay."
    )


def test_customer_is_reminded_once_a_day(now: datetime) -> None:
    due_in(0, now)

    assert [send_reminders(at=now + timedelta(hours=hours)) for hours in (0, 1, 24)] == [1, 0, 1]
    assert [template for template, _language in sent()] == ["loan.due_today", "loan.overdue"]


@pytest.mark.parametrize("language", ["en", "rw", "sw", "fr"])
def test_customers_language(now: datetime, language: str) -> None:
    due_in(-1, now, language=language)

    send_reminders(at=now)

    assert sent() == [("loan.overdue", language)]


# Lagos is one hour ahead of UTC.
@pytest.mark.parametrize(("hour_utc", "count"), [(6, 0), (7, 1), (18, 1), (19, 0), (23, 0)])
def test_quiet_hours_are_the_countrys(now: datetime, hour_utc: int, count: int) -> None:
    due_in(0, now)

    assert send_reminders(at=now.replace(hour=hour_utc)) == count


def test_days_and_hours_are_configured(now: datetime, configure: Callable[..., Any]) -> None:
    configure(
        ReminderSettings,
        days_before_due=(5,),
        on_due_date=False,
        days_overdue=(),
        send_from=time(12),
        send_until=time(13),
    )
    due_in(5, now)
    due_in(0, now, phone="+2348037654322", number="USS-2026-002")
    due_in(-1, now, phone="+2348037654323", number="USS-2026-003")

    assert [send_reminders(at=now + timedelta(hours=hours)) for hours in (-1, 0, 1)] == [0, 1, 0]
    assert sent() == [("loan.due_soon", "en")]


@pytest.mark.parametrize("status", ["APPROVED", "COMPLETED", "WRITTEN_OFF", "CANCELLED"])
def test_nobody_is_reminded_of_what_is_not_owed(now: datetime, status: str) -> None:
    due_in(0, now, status=status, **({"amount_paid": 10_000, "outstanding": 0} if status == "COMPLETED" else {}))

    assert send_reminders(at=now) == 0


def test_settings_in_the_wrong_order_are_refused() -> None:
    settings = ReminderSettings(send_from=time(20), send_until=time(8), days_overdue=(1, 1))

    assert set(settings.refusals()) == {"send_until", "days_overdue"}
    assert ReminderSettings().refusals() == {}


def test_more_loans_than_one_transaction_takes(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loans.services.reminders.CHUNK", 2)
    customer = make_customer(BOB)
    for number in range(5):
        make_loan(customer, at=now, number=f"USS-2026-{number:03}", status="DISBURSED", due_date=date(2026, 11, 20))

    assert send_reminders(at=now) == 5
    assert SmsMessage.objects.count() == 5
