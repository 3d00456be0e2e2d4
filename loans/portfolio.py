"""The portfolio: what is owed, how late, and how much of it is at risk; one statement for all of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import connection

# Days past due, as lenders sort them: name, first day, last day.
BUCKETS: tuple[tuple[str, int, int | None], ...] = (
    ("Not yet due", -100_000, 0),
    ("1-7 days", 1, 7),
    ("8-30 days", 8, 30),
    ("31-60 days", 31, 60),
    ("61-90 days", 61, 90),
    ("Over 90 days", 91, None),
)
# Portfolio at risk: what is owed on loans later than so many days, as a share of all that is owed.
RISK_DAYS = (1, 7, 30, 90)

_OWED = """
    SELECT currency, network,
           CASE explanation #>> '{amount,from}' WHEN 'first_time' THEN 'First loan'
                ELSE coalesce(explanation #>> '{amount,tier}', '') END AS tier,
           width_bucket(%(today)s - due_date, %(edges)s) AS bucket, count(*), sum(outstanding)
      FROM loans_loan WHERE status IN ('DISBURSED', 'REPAYING', 'OVERDUE')
     GROUP BY 1, 2, 3, 4
"""


@dataclass
class Line:
    """One row of the portfolio: loans and what is owed on them, by bucket."""

    name: str
    loans: int = 0
    outstanding: Decimal = Decimal(0)
    buckets: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * len(BUCKETS))

    def add(self, *, bucket: int, loans: int, outstanding: Decimal) -> None:
        """Count some loans in."""
        self.loans += loans
        self.outstanding += outstanding
        self.buckets[bucket] += outstanding

    def at_risk(self, days: int) -> Decimal:
        """Per cent of what is owed that is owed on loans more than so many days late, to one decimal."""
        if not self.outstanding:
            return Decimal(0)
        late = sum(
            (amount for amount, (_name, first, _last) in zip(self.buckets, BUCKETS, strict=True) if first >= days),
            Decimal(0),
        )
        return (late * 100 / self.outstanding).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class Portfolio:
    """One currency's portfolio in all, by score tier and by network."""

    currency: str
    total: Line
    by_tier: list[Line]
    by_network: list[Line]


def read_portfolio(*, today: date) -> list[Portfolio]:
    """The portfolio of each currency in which anything is owed. `today` in the country's time zone."""
    edges = [first for _name, first, _last in BUCKETS]
    with connection.cursor() as cursor:
        cursor.execute(_OWED, {"today": today, "edges": edges})
        rows = cursor.fetchall()
    return [
        _portfolio(currency, [row[1:] for row in rows if row[0] == currency])
        for currency in sorted({r[0] for r in rows})
    ]


def _portfolio(currency: str, rows: Iterable[tuple[str, str, int, int, Decimal]]) -> Portfolio:
    total = Line("All")
    by_tier: defaultdict[str, Line] = defaultdict(lambda: Line(""))
    by_network: defaultdict[str, Line] = defaultdict(lambda: Line(""))
    for network, tier, bucket, loans, outstanding in rows:
        for line in (total, by_tier[tier], by_network[network]):
            # width_bucket counts from 1.
            line.add(bucket=bucket - 1, loans=loans, outstanding=outstanding)
    return Portfolio(currency, total, _named(by_tier), _named(by_network))


def _named(lines: dict[str, Line]) -> list[Line]:
    for name, line in lines.items():
        line.name = name or "Unknown"
    return [lines[name] for name in sorted(lines)]
