"""What lending leaves behind: history of scores, audit events, messages to customers."""

from ledger.invariants import Breach, Invariant, find_breaches


def check_points() -> list[Breach]:
    """The points a loan gave are those of its history."""
    return find_breaches("""
        SELECT 'loan ' || loan.number, 'gave ' || loan.points_applied || ' points, history ' || history.total
          FROM loans_loan loan
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(score_after - score_before), 0) AS total FROM loans_score_change
                WHERE loan_id = loan.id AND reason IN ('repayment', 'reversal')
               ) history
         WHERE loan.points_applied <> history.total
    """)


def check_scores() -> list[Breach]:
    """Each change of a score begins where the one before ended, and the last one ends at the profile's score."""
    return find_breaches("""
        WITH steps AS (
            SELECT customer_id, id, score_after,
                   lead(score_before) OVER (PARTITION BY customer_id ORDER BY id) AS following
              FROM loans_score_change
        )
        SELECT 'customer ' || steps.customer_id, 'after change ' || steps.id || ' the score is ' || score_after
               || ', then ' || coalesce(following, profile.score, -1)
          FROM steps LEFT JOIN loans_credit_profile profile ON profile.customer_id = steps.customer_id
         WHERE score_after IS DISTINCT FROM coalesce(following, profile.score)
    """)


def check_audit_events() -> list[Breach]:
    """Every change of a loan has its audit event: the events add up to the state.

    Loans older than the oldest event are left out: their events may have been dropped by retention.
    """
    return find_breaches("""
        WITH events AS (
            SELECT target_id,
                   count(*) FILTER (WHERE action = 'loan.created') AS created,
                   count(*) FILTER (WHERE action = 'loan.approved') AS approved,
                   count(*) FILTER (WHERE action = 'loan.rejected') AS rejected,
                   count(*) FILTER (WHERE action = 'loan.cancelled') AS cancelled,
                   count(*) FILTER (WHERE action = 'loan.disbursed') AS disbursed,
                   count(*) FILTER (WHERE action = 'loan.repaid') AS repaid,
                   count(*) FILTER (WHERE action = 'loan.repayment_reversed') AS reversed,
                   count(*) FILTER (WHERE action = 'loan.written_off') AS written_off
              FROM audit_event WHERE target_type = 'loans.loan' GROUP BY target_id
        ), repayments AS (
            SELECT loan_id, count(*) AS booked, count(*) FILTER (WHERE status = 'reversed') AS reversed
              FROM loans_repayment GROUP BY loan_id
        )
        SELECT 'loan ' || loan.number, loan.status || ', repayments ' || coalesce(repayments.booked, 0) || ': '
               || coalesce(created || ' created, ' || approved || ' approved, ' || rejected || ' rejected, '
                           || cancelled || ' cancelled, ' || disbursed || ' disbursed, ' || repaid || ' repaid, '
                           || events.reversed || ' reversed, ' || written_off || ' written off', 'no events')
          FROM loans_loan loan
          LEFT JOIN events ON events.target_id = loan.id::text
          LEFT JOIN repayments ON repayments.loan_id = loan.id
         WHERE loan.created_at >= coalesce((SELECT at FROM audit_event ORDER BY id LIMIT 1), '-infinity')
           AND (created, approved, rejected, cancelled, disbursed, repaid, events.reversed, written_off)
               IS DISTINCT FROM
               ((loan.channel = 'staff')::int::bigint, (loan.approved_at IS NOT NULL)::int::bigint,
                (loan.status = 'REJECTED')::int::bigint, (loan.status = 'CANCELLED')::int::bigint,
                (loan.disbursed_at IS NOT NULL)::int::bigint, coalesce(repayments.booked, 0),
                coalesce(repayments.reversed, 0), (loan.written_off_at IS NOT NULL)::int::bigint)
         UNION ALL
        SELECT 'notice ' || notice.id, notice.status || ' without its event'
          FROM loans_paid_in_notice notice
         WHERE notice.received_at >= coalesce((SELECT at FROM audit_event ORDER BY id LIMIT 1), '-infinity')
           AND NOT EXISTS (
               SELECT 1 FROM audit_event
                WHERE target_type = 'loans.paidinnotice' AND target_id = notice.id::text
                  AND action = CASE notice.status WHEN 'applied' THEN 'paid_in.matched'
                                    WHEN 'dismissed' THEN 'paid_in.dismissed' ELSE 'paid_in.received' END)
    """)


def check_customers_are_told() -> list[Breach]:
    """Each payout, repayment and reversal has its message to the customer's phone, queued with it."""
    return find_breaches("""
        WITH wanted AS (
            SELECT loan.number, loan.phone, 'loan:' || loan.id || ':paid' AS key
              FROM loans_loan loan WHERE loan.disbursed_at IS NOT NULL
             UNION ALL
            SELECT loan.number, loan.phone, 'loan:repayment:' || repayment.id
              FROM loans_repayment repayment JOIN loans_loan loan ON loan.id = repayment.loan_id
             UNION ALL
            SELECT loan.number, loan.phone, 'loan:repayment:' || repayment.id || ':reversed'
              FROM loans_repayment repayment JOIN loans_loan loan ON loan.id = repayment.loan_id
             WHERE repayment.status = 'reversed' AND repayment.rail <> 'credit'
        )
        SELECT 'loan ' || wanted.number, 'no message ' || wanted.key
          FROM wanted LEFT JOIN notifications_sms message ON message.key = wanted.key
         WHERE message."to" IS DISTINCT FROM wanted.phone
    """)


TRAIL_INVARIANTS: dict[str, Invariant] = {
    "loans.points": check_points,
    "loans.scores": check_scores,
    "loans.audit_events": check_audit_events,
    "loans.customers_are_told": check_customers_are_told,
}
