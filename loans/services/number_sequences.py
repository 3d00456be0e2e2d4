"""Having the sequences of loan numbers ready before their year begins."""

from datetime import datetime

from configuration.selectors import current
from loans.configuration import LoanSettings
from loans.numbers import make_sequence, name_sequence
from loans.statuses import LoanChannel

DECEMBER = 12


def make_sequences(*, at: datetime) -> list[str]:
    """The sequences of the country's year, in December of the next too, so that no customer's turn makes one; their
    names. Safe to run twice, and at once.
    """
    today = at.astimezone(current(LoanSettings).zone)
    years = [today.year, today.year + 1] if today.month == DECEMBER else [today.year]
    names = []
    for year in years:
        for channel in LoanChannel:
            make_sequence(channel=channel, year=year)
            names.append(name_sequence(channel, year))
    return names
