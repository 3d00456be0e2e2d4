"""The funnel day by day, and the portfolio: figures over all loans, for reading only."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from audit.admin_lists import ReadOnlyAdmin
from configuration.selectors import current
from ledger.money import format_amount
from loans.configuration import LoanSettings
from loans.models import FunnelDay
from loans.portfolio import BUCKETS, RISK_DAYS, Line, Portfolio, read_portfolio


@admin.register(FunnelDay)
class FunnelDayAdmin(ReadOnlyAdmin):
    """Offer, approval, payout and repayment per day, network and partner; beside it the portfolio."""

    list_display = ("day", "network", "partner", "offered", "refused", "approved", "disbursed", "repaid", "taken_up")
    list_filter = ("network",)

    @admin.display(description="Approved of offered")
    def taken_up(self, row: FunnelDay) -> str:
        """How many of a hundred offers were approved."""
        return f"{row.approved * 100 // row.offered} %" if row.offered else "-"

    def get_urls(self) -> list[URLPattern]:
        """The portfolio's page before the list's own."""
        view = self.admin_site.admin_view(self.show_portfolio)
        return [path("portfolio/", view, name="loans_portfolio"), *super().get_urls()]

    def show_portfolio(self, request: HttpRequest) -> HttpResponse:
        """What is owed, how late it is, and how much of it is at risk."""
        if not request.user.has_perm("loans.view_loan"):
            raise PermissionDenied
        today = timezone.now().astimezone(current(LoanSettings).zone).date()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Portfolio",
            "today": today,
            "portfolios": [_as_tables(portfolio) for portfolio in read_portfolio(today=today)],
        }
        return TemplateResponse(request, "loans/admin/portfolio.html", context)


def _as_tables(portfolio: Portfolio) -> dict[str, Any]:
    """One currency's portfolio as the page shows it."""
    total = portfolio.total
    return {
        "outstanding": format_amount(total.outstanding, portfolio.currency),
        "loans": f"{total.loans:,}",
        "risks": [(f"More than {days} days late" if days > 1 else "Late", total.at_risk(days)) for days in RISK_DAYS],
        "tables": [
            (title, _as_table(name, lines, portfolio.currency))
            for title, name, lines in (
                ("By days past due", "", [total]),
                ("By score tier at the offer", "Tier", portfolio.by_tier),
                ("By network", "Network", portfolio.by_network),
            )
        ],
    }


def _as_table(name: str, lines: list[Line], currency: str) -> dict[str, Any]:
    return {
        "headers": [name, "Loans", "Owed", *(bucket for bucket, _first, _last in BUCKETS), "PAR 30"],
        "rows": [
            [
                line.name,
                f"{line.loans:,}",
                *(format_amount(amount, currency) for amount in (line.outstanding, *line.buckets)),
                f"{line.at_risk(30)} %",
            ]
            for line in lines
        ],
    }
