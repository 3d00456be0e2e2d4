"""The settings a decision about a loan is made by, with their versions."""

from dataclasses import dataclass
from datetime import date, datetime

from configuration.selectors import current_with_version
from loans.configuration import CreditSettings, LoanSettings


@dataclass(frozen=True)
class LendingSettings:
    """Both categories, and the version of each for the explanation. Version 0: never changed."""

    credit: CreditSettings
    loans: LoanSettings
    versions: dict[str, int]

    def local_day(self, at: datetime) -> date:
        """The country's day of this moment."""
        return at.astimezone(self.loans.zone).date()


def lending_settings() -> LendingSettings:
    """What staff have set, at most seconds old. Raises SettingsUnknown, rather than promise money by defaults."""
    credit, credit_version = current_with_version(CreditSettings)
    loans, loans_version = current_with_version(LoanSettings)
    versions = {CreditSettings.slug: credit_version, LoanSettings.slug: loans_version}
    return LendingSettings(credit=credit, loans=loans, versions=versions)
