"""Reads for people who look after partners."""

from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import TokenUsage


@dataclass(frozen=True)
class UsageDay:
    """Requests of one token on one day (UTC); `refused` of them were over its limit."""

    day: date
    requests: int
    refused: int


def usage_of(token_id: int, *, until: date, days: int = 30) -> list[UsageDay]:
    """One entry a day, the oldest first, `until` included; days without requests are there with zeros."""
    first = until - timedelta(days=days - 1)
    kept = {row.day: row for row in TokenUsage.objects.filter(token_id=token_id, day__range=(first, until))}
    every_day = [first + timedelta(days=number) for number in range(days)]
    return [
        UsageDay(day, requests=kept[day].requests, refused=kept[day].refused) if day in kept else UsageDay(day, 0, 0)
        for day in every_day
    ]
