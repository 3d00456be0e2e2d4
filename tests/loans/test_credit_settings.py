"""What staff may save as settings of lending, and how the settings page says what is wrong."""

import html
import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from configuration.admin.forms import CategoryForm
from configuration.categories import Category
from configuration.changes import InvalidConfiguration, apply_changes
from configuration.models import ConfigurationVersion
from configuration.registry import all_categories
from configuration.selectors import current, current_with_version
from loans.configuration import CreditSettings, LoanSettings
from loans.models import Loan
from loans.settings_in_force import lending_settings
from loans.statuses import LoanStatus
from tests.configuration.test_admin_forms import as_browser_sends
from tests.loans.rows import make_loan

# The currency of loans is judged by the loans there are.
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("category", [CreditSettings, LoanSettings])
def test_settings_as_delivered_may_be_saved(category: type[Category]) -> None:
    assert category in all_categories()
    assert category().refusals() == {}
    assert category.never_guessed <= category.model_fields.keys()


def score_tier(low: int, high: int, **value: Any) -> dict[str, Any]:
    return {"score_from": low, "score_to": high, **value}


@pytest.mark.parametrize(
    ("category", "changes", "field", "message"),
    [
        (CreditSettings, {"amount_tiers": []}, "amount_tiers", "There must be at least one tier."),
        (
            CreditSettings,
            {"amount_tiers": [score_tier(0, 400, amount=1), score_tier(402, 850, amount=2)]},
            "amount_tiers",
            "No tier has 401.",
        ),
        (
            CreditSettings,
            {"amount_tiers": [score_tier(0, 400, amount=1), score_tier(400, 850, amount=2)]},
            "amount_tiers",
            "The tiers overlap at 400.",
        ),
        (
            CreditSettings,
            {"amount_tiers": [score_tier(0, 849, amount=1)]},
            "amount_tiers",
            "The last tier must reach 850.",
        ),
        (
            CreditSettings,
            {"amount_tiers": [score_tier(1, 850, amount=1)]},
            "amount_tiers",
            "The first tier must begin at 0.",
        ),
        (CreditSettings, {"max_score": 900}, "amount_tiers", "The last tier must reach 900."),
        (CreditSettings, {"starting_score": 851}, "starting_score", "Must not be above the highest score."),
        (
            CreditSettings,
            {"first_time_amount": "10000.01"},
            "first_time_amount",
            "Must not be above the credit limit of a new customer.",
        ),
        (
            CreditSettings,
            {"repaid_timing_points": [{"days_from": 0, "days_to": None, "points": 1}]},
            "repaid_timing_points",
            "The first tier must begin at -3650.",
        ),
        (
            CreditSettings,
            {"overdue_points": [{"days_from": 0, "days_to": None, "points": -1}]},
            "overdue_points",
            "The first tier must begin at 1.",
        ),
        (
            CreditSettings,
            {"repaid_amount_points": [{"amount_from": 0, "amount_to": 10, "points": 1}]},
            "repaid_amount_points",
            "The last tier must have no end.",
        ),
        (LoanSettings, {"min_interest_rate": 31}, "min_interest_rate", "The lowest rate is above the highest."),
        (LoanSettings, {"min_repayment_days": 91}, "min_repayment_days", "The fewest days are more than the most."),
        (
            LoanSettings,
            {"repayment_period_tiers": [score_tier(0, 10, days=5), score_tier(5, 20, days=5)]},
            "repayment_period_tiers",
            "The tiers overlap at 5.",
        ),
        (LoanSettings, {"currency": "XYZ"}, "currency", "Must be one of"),
        (LoanSettings, {"time_zone": "Lagos"}, "time_zone", "Must be a time zone"),
        (
            LoanSettings,
            {"interest_rate_tiers": [score_tier(0, 850, rate=100)]},
            "interest_rate_tiers",
            "Row 1, rate: Input should be less than 100.",
        ),
    ],
)
def test_mistakes_are_refused_at_their_field(
    category: type[Category], changes: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        apply_changes(category(), changes)
    assert message in refused.value.errors[field][0]


def test_tiers_may_be_given_in_any_order() -> None:
    tiers = [score_tier(500, 850, amount=9), score_tier(0, 499, amount=5)]
    settings = apply_changes(CreditSettings(), {"amount_tiers": tiers})
    assert isinstance(settings, CreditSettings)
    assert [tier.name for tier in settings.amount_tiers] == ["0 to 499", "500 to 850"]


def test_table_of_rates_may_be_empty_and_then_the_default_holds() -> None:
    assert apply_changes(LoanSettings(), {"interest_rate_tiers": []}).refusals() == {}


# The page


def typed(**cells: str) -> dict[str, str]:
    return as_browser_sends(CategoryForm(CreditSettings())) | {"version": "0"} | cells


def test_new_tier_typed_into_the_page_is_in_force_with_its_version(office: Client) -> None:
    """The top tier is cut in two: its end is changed, and the rest stands in a blank row."""
    cells = {
        "amount_tiers-6-score_to": "799",
        "amount_tiers-7-score_from": "800",
        "amount_tiers-7-score_to": "850",
        "amount_tiers-7-amount": "150000",
    }
    preview = office.post(reverse("admin:configuration_preview", args=["credit"]), typed(**cells)).content.decode()
    assert "score from 800, score to 850, amount 150000" in preview
    sealed = re.search(r'name="sealed" value="([^"]+)"', preview)
    assert sealed is not None

    save = reverse("admin:configuration_save", args=["credit"])
    office.post(save, {"sealed": html.unescape(sealed[1]), "reason": "Good payers"})

    settings, version = current_with_version(CreditSettings)
    assert [(tier.name, int(tier.amount)) for tier in settings.amount_tiers][-2:] == [
        ("750 to 799", 100_000),
        ("800 to 850", 150_000),
    ]
    assert version == 1
    assert lending_settings().versions == {"credit": 1, "loans": 0}
    assert lending_settings().credit is current(CreditSettings)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"amount_tiers-3-score_to": "540"}, "No tier has 541."),
        ({"amount_tiers-3-score_to": "600"}, "The tiers overlap at 550."),
        ({"amount_tiers-3-score_to": "much"}, "Row 4, score to: Input should be a valid integer"),
        ({"amount_tiers-3-amount": ""}, "Row 4, amount: this is missing."),
        ({"amount_tiers-3-amount": "-5"}, "Row 4, amount: Input should be greater than or equal to 0."),
        ({"overdue_points-2-days_to": "90"}, "The last tier must have no end."),
    ],
)
def test_gap_or_nonsense_is_told_at_the_field_and_nothing_saved(
    office: Client, cells: dict[str, str], message: str
) -> None:
    page = office.post(reverse("admin:configuration_preview", args=["credit"]), typed(**cells))

    assert message in page.content.decode()
    assert not ConfigurationVersion.objects.exists()


def test_currency_stays_while_loans_in_it_live(alice: User, now: datetime) -> None:
    """A customer's debt, and what we hold of their money, are one sum each: naira would pay for francs."""
    loan = make_loan(alice, at=now, status=LoanStatus.PENDING)
    with pytest.raises(InvalidConfiguration, match="another currency"):
        apply_changes(LoanSettings(), {"currency": "RWF"})
    assert apply_changes(LoanSettings(), {"cooldown_minutes": 5}).refusals() == {}

    Loan.objects.filter(pk=loan.pk).update(status=LoanStatus.REJECTED)
    assert apply_changes(LoanSettings(), {"currency": "RWF"}).refusals() == {}
