"""The funnel and the portfolio: figures that agree with the rows they are counted from."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from loans.models import FunnelDay
from loans.portfolio import read_portfolio
from loans.services.funnel import count_funnel
from tests.loans.rows import make_loan, make_offer

pytestmark = pytest.mark.django_db


def rows() -> list[tuple[object, ...]]:
    fields = ("day", "network", "partner", "offered", "refused", "approved", "disbursed", "repaid")
    return list(FunnelDay.objects.order_by("day", "network", "partner").values_list(*fields))


def test_counts_by_day_network_and_partner(alice: User, now: datetime) -> None:
    for network, partner, refusal in (
        ("mtn", "a@example.com", ""),
        ("mtn", "a@example.com", ""),
        ("mtn", "a@example.com", "NO_ELIGIBLE_AMOUNT"),
        ("airtel", "b@example.com", ""),
    ):
        make_offer(alice, at=now, network=network, partner=partner, refusal=refusal)
    make_loan(
        alice,
        at=now,
        network="mtn",
        partner="a@example.com",
        status="COMPLETED",
        amount_paid=10_000,
        outstanding=0,
        approved_at=now - timedelta(days=1),
        disbursed_at=now,
        completed_at=now,
    )

    assert count_funnel(at=now) == 3
    today, yesterday = date(2026, 11, 20), date(2026, 11, 19)
    assert rows() == [
        (yesterday, "mtn", "a@example.com", 0, 0, 1, 0, 0),
        (today, "airtel", "b@example.com", 1, 0, 0, 0, 0),
        (today, "mtn", "a@example.com", 2, 1, 0, 1, 1),
    ]


def test_counting_again_counts_nothing_twice_and_sees_what_came_late(alice: User, now: datetime) -> None:
    make_offer(alice, at=now - timedelta(days=1))
    count_funnel(at=now)
    make_offer(alice, at=now - timedelta(days=1))
    count_funnel(at=now)
    count_funnel(at=now)

    assert [row[3] for row in rows()] == [2]


def test_days_are_the_countrys(alice: User, now: datetime) -> None:
    # 23:30 UTC on the 19th is the 20th in Lagos.
    make_offer(alice, at=now.replace(day=19, hour=23, minute=30))

    count_funnel(at=now)

    assert [row[0] for row in rows()] == [date(2026, 11, 20)]


def test_portfolio_by_days_past_due_tier_and_network(alice: User, now: datetime) -> None:
    today = date(2026, 11, 20)
    for number, (late, owed, network, tier) in enumerate(
        [
            (-5, 10_000, "mtn", "300-449"),
            (0, 20_000, "mtn", "300-449"),
            (7, 5_000, "airtel", "450-549"),
            (31, 5_000, "mtn", ""),
            (91, 10_000, "", "300-449"),
        ]
    ):
        make_loan(
            alice,
            at=now,
            number=f"USS-2026-{number:03}",
            status="OVERDUE" if late > 0 else "DISBURSED",
            due_date=today - timedelta(days=late),
            amount=owed,
            interest=0,
            disbursed_amount=owed,
            outstanding=owed,
            network=network,
            explanation={"amount": {"from": "tier" if tier else "first_time", "tier": tier}},
        )
    make_loan(alice, at=now, number="USS-2026-900", status="WRITTEN_OFF", due_date=today)

    (portfolio,) = read_portfolio(today=today)

    assert (portfolio.currency, portfolio.total.loans, portfolio.total.outstanding) == ("NGN", 5, 50_000)
    assert portfolio.total.buckets == [30_000, 5_000, 0, 5_000, 0, 10_000]
    assert [portfolio.total.at_risk(days) for days in (1, 7, 30, 90)] == [40, 30, 30, 20]
    assert [(line.name, line.outstanding) for line in portfolio.by_tier] == [
        ("300-449", 40_000),
        ("450-549", 5_000),
        ("First loan", 5_000),
    ]
    assert [(line.name, line.outstanding) for line in portfolio.by_network] == [
        ("Unknown", 10_000),
        ("airtel", 5_000),
        ("mtn", 35_000),
    ]


def test_portfolio_is_empty_without_loans() -> None:
    assert read_portfolio(today=date(2026, 11, 20)) == []


def test_pages_show_the_figures(office: Client, alice: User, now: datetime) -> None:
    make_offer(alice, at=now)
    make_loan(alice, at=now, status="DISBURSED", due_date=date(2020, 1, 1), outstanding=Decimal(10_000))
    count_funnel(at=now)

    funnel = office.get(reverse("admin:loans_funnelday_changelist")).content.decode()
    assert "20 Nov" in funnel and "100 %" in funnel
    page = office.get(reverse("admin:loans_portfolio")).content.decode()
    assert "NGN 10,000" in page and "100.0 %" in page


def test_portfolio_needs_the_permission_to_see_loans(client: Client) -> None:
    client.force_login(User.objects.create_user(email="clerk@example.com", password="x"))

    assert client.get(reverse("admin:loans_portfolio")).status_code == 403


def test_repayment_entered_late_counts_for_the_day_it_was_made(alice: User, now: datetime) -> None:
    paid = now - timedelta(days=10)
    fields = {"status": "COMPLETED", "amount_paid": Decimal(10_000), "completed_at": paid}
    make_loan(alice, at=now - timedelta(days=20), **fields)

    assert count_funnel(at=now) == 0
    assert count_funnel(at=now, days=45) == 2
    assert FunnelDay.objects.get(day=paid.date()).repaid == 1
