"""From offer to repayment in numbers: counted in the background from what is stored anyway; no turn pays for it.

A day's counts are computed anew while the day is open and on the day after it, when late records have come in; a few
times a day so are those of the last weeks, because a repayment counts for the day on which the customer paid.
"""

from datetime import date, datetime, time, timedelta

from django.db import connection, transaction

from configuration.selectors import current
from loans.configuration import LoanSettings

_COUNT = """
    INSERT INTO loans_funnel_day (day, network, partner, offered, refused, approved, disbursed, repaid)
    SELECT %(day)s, network, partner, sum(offered), sum(refused), sum(approved), sum(disbursed), sum(repaid)
      FROM (
        SELECT network, partner, count(*) FILTER (WHERE refusal = '') AS offered,
               count(*) FILTER (WHERE refusal <> '') AS refused, 0 AS approved, 0 AS disbursed, 0 AS repaid
          FROM loans_offer WHERE at >= %(start)s AND at < %(end)s GROUP BY network, partner
         UNION ALL
        SELECT network, partner, 0, 0, count(*), 0, 0
          FROM loans_loan WHERE approved_at >= %(start)s AND approved_at < %(end)s GROUP BY network, partner
         UNION ALL
        SELECT network, partner, 0, 0, 0, count(*), 0
          FROM loans_loan WHERE disbursed_at >= %(start)s AND disbursed_at < %(end)s GROUP BY network, partner
         UNION ALL
        SELECT network, partner, 0, 0, 0, 0, count(*)
          FROM loans_loan WHERE completed_at >= %(start)s AND completed_at < %(end)s GROUP BY network, partner
      ) AS counted
     GROUP BY network, partner
"""


def count_funnel(*, at: datetime, days: int = 2) -> int:
    """Count the last `days` days (country's time zone) anew; how many rows they have. Safe to run beside itself."""
    today = at.astimezone(current(LoanSettings).zone).date()
    return sum(_count_day(today - timedelta(days=back)) for back in range(days))


def _count_day(day: date) -> int:
    zone = current(LoanSettings).zone
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    with transaction.atomic(), connection.cursor() as cursor:
        # One counter at a time for a day: two would both delete and then collide.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"loans-funnel:{day}"])
        cursor.execute("DELETE FROM loans_funnel_day WHERE day = %s", [day])
        cursor.execute(_COUNT, {"day": day, "start": start, "end": end})
        return cursor.rowcount
