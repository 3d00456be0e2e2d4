"""Settings of the messages that remind customers of their loans."""

from datetime import time
from typing import Annotated, ClassVar

from pydantic import Field

from configuration.categories import Category

Days = Annotated[int, Field(ge=1, le=365)]


class ReminderSettings(Category):
    """When customers are reminded of what they owe, and the hours in which nobody is disturbed."""

    slug: ClassVar[str] = "loan_reminders"
    title: ClassVar[str] = "Loan reminders"

    days_before_due: tuple[Days, ...] = Field(
        (3, 1), max_length=20, description="Days before the due date on which a reminder is sent"
    )
    on_due_date: bool = Field(True, description="Send a reminder on the due date")
    days_overdue: tuple[Days, ...] = Field(
        (1, 3, 7, 14, 30), max_length=50, description="Days after the due date on which a reminder is sent"
    )
    send_from: time = Field(time(8), description="Reminders are sent from this hour on, in the country's time zone")
    send_until: time = Field(time(20), description="Reminders are sent before this hour; the rest is quiet")

    def refusals(self) -> dict[str, list[str]]:
        """Hours in the wrong order, and a day named twice."""
        found: dict[str, list[str]] = {}
        if self.send_from >= self.send_until:
            found["send_until"] = ["Must be later than the hour from which reminders are sent."]
        for name in ("days_before_due", "days_overdue"):
            days = getattr(self, name)
            if len(set(days)) != len(days):
                found[name] = ["A day is named twice."]
        return found
