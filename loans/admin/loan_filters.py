"""Filters of the list of loans."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from accounts.networks import NETWORK_CODES
from configuration.selectors import current
from loans.configuration import LoanSettings
from loans.models import Loan
from loans.statuses import LoanStatus

FAILED_PAYOUT = Q(status=LoanStatus.APPROVED) & ~Q(error_code="")


class AttentionFilter(DropdownFilter):
    """What a person should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failed", "Payout failed"),
            ("late", "Past the due date"),
            ("undecided", "Waits for approval"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        match self.value():
            case "failed":
                return queryset.filter(FAILED_PAYOUT)
            case "late":
                today = timezone.now().astimezone(current(LoanSettings).zone).date()
                return queryset.filter(status__in=LoanStatus.OWED, due_date__lt=today)
            case "undecided":
                return queryset.filter(status=LoanStatus.PENDING)
        return queryset


class NetworkFilter(DropdownFilter):
    """By network, of those in the country of lending: reading the names from the rows would take long."""

    title = "network"
    parameter_name = "network"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        region = current(LoanSettings).region
        names = sorted({name for name in NETWORK_CODES.values() if name.endswith(f" {region}")})
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        return queryset.filter(network=self.value()) if self.value() else queryset
