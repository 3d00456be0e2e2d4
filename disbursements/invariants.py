"""What must never be with payouts: between the rows, the ledger and the audit trail (architecture section 3)."""

from ledger.invariants import Breach, Invariant, find_breaches

_LIVE = "('awaiting_approval', 'queued', 'processing')"
# The longest pause that settings allow (`configuration.Seconds`), and a day for clocks and claims.
_LONGEST_PAUSE = "8 days"


def check_in_flight() -> list[Breach]:
    """What the ledger holds in flight is exactly what open payouts promise."""
    return find_breaches(f"""
        WITH held AS (
            SELECT account.currency, -sum(entry.amount) AS total FROM ledger_entry entry
              JOIN ledger_account account ON account.id = entry.account_id
             WHERE account.code = 'payouts_in_flight:' || account.currency GROUP BY account.currency
        ), promised AS (
            SELECT currency, sum(amount) AS total FROM disbursements_disbursement
             WHERE status IN {_LIVE} GROUP BY currency
        )
        SELECT currency, 'in flight ' || coalesce(held.total, 0) || ', promised ' || coalesce(promised.total, 0)
          FROM held FULL JOIN promised USING (currency)
         WHERE coalesce(held.total, 0) <> coalesce(promised.total, 0)
    """)  # noqa: S608 - written in code


def check_float_outflow() -> list[Breach]:
    """What left each float is exactly what was paid."""
    return find_breaches("""
        WITH gone AS (
            SELECT account.code, -sum(entry.amount) AS total FROM ledger_entry entry
              JOIN ledger_account account ON account.id = entry.account_id
              JOIN ledger_posting posting ON posting.id = entry.posting_id
             WHERE account.code LIKE 'float:%' AND posting.key LIKE 'disbursement:%' GROUP BY account.code
        ), paid AS (
            SELECT 'float:' || provider || ':' || currency AS code, sum(amount) AS total
              FROM disbursements_disbursement WHERE status = 'completed' GROUP BY 1
        )
        SELECT code, 'left ' || coalesce(gone.total, 0) || ', paid ' || coalesce(paid.total, 0)
          FROM gone FULL JOIN paid USING (code) WHERE coalesce(gone.total, 0) <> coalesce(paid.total, 0)
    """)


def check_attempts() -> list[Breach]:
    """A paid payout has one paid attempt, and the same transaction as it; no payout has two attempts that were not
    refused; one with the provider has one, one given up has none under way.
    """
    return find_breaches("""
        SELECT disbursement.key, disbursement.status || ' with attempts ' || coalesce(counted.words, 'none')
               || ', transaction ' || coalesce(disbursement.provider_transaction_id, 'none')
               || ', of the attempts ' || coalesce(counted.transactions, 'none')
          FROM disbursements_disbursement disbursement
         CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE status <> 'refused') AS live,
                      count(*) FILTER (WHERE status = 'succeeded') AS paid,
                      count(*) FILTER (WHERE status IN ('created', 'unknown', 'accepted')) AS under_way,
                      string_agg(status, ', ' ORDER BY number) AS words,
                      string_agg(nullif(provider_transaction_id, ''), ', ' ORDER BY number) AS transactions
                 FROM disbursements_attempt WHERE disbursement_id = disbursement.id
               ) counted
         WHERE counted.live > 1
            OR counted.paid <> CASE WHEN disbursement.status = 'completed' THEN 1 ELSE 0 END
            OR counted.transactions IS DISTINCT FROM nullif(disbursement.provider_transaction_id, '')
            OR (disbursement.status = 'processing' AND counted.live <> 1)
            OR (disbursement.status = 'failed' AND counted.under_way > 0)
            OR (disbursement.status = 'cancelled' AND counted.live > 0)
    """)


def check_postings() -> list[Breach]:
    """Each payout's reserves, releases and settlement in the ledger are those its state says."""
    return find_breaches("""
        WITH posted AS (
            SELECT split_part(key, ':', 2) AS id,
                   count(*) FILTER (WHERE key ~ ':reserve:[0-9]+$') AS reserves,
                   count(*) FILTER (WHERE key LIKE '%:release') AS releases,
                   count(*) FILTER (WHERE key LIKE '%:settle') AS settles
              FROM ledger_posting WHERE key LIKE 'disbursement:%' GROUP BY 1
        )
        SELECT coalesce(disbursement.key, posted.id),
               coalesce(disbursement.status, 'no such payout') || ', reserve number '
               || coalesce(disbursement.reserve_number, 0) || ': ' || coalesce(reserves, 0) || ' reserves, '
               || coalesce(releases, 0) || ' releases, ' || coalesce(settles, 0) || ' settlements'
          FROM disbursements_disbursement disbursement
          FULL JOIN posted ON posted.id = disbursement.id::text
         WHERE disbursement.id IS NULL
            OR coalesce(reserves, 0) <> reserve_number
            OR coalesce(releases, 0) <> reserve_number
               - CASE WHEN disbursement.status IN ('failed', 'cancelled') THEN 0 ELSE 1 END
            OR coalesce(settles, 0) <> CASE WHEN disbursement.status = 'completed' THEN 1 ELSE 0 END
    """)


def check_posting_lines() -> list[Breach]:
    """Each payout's own postings have exactly the lines they must have: a reserve takes its amount from the account
    that bears it into flight, a settlement takes it from there out of the float, a release undoes its reserve.
    """
    return find_breaches("""
        SELECT posting.key, string_agg(account.code || ' ' || entry.amount, ', ' ORDER BY account.code)
               || ' for ' || disbursement.amount || ' ' || disbursement.currency
          FROM ledger_posting posting
          JOIN disbursements_disbursement disbursement ON disbursement.id::text = split_part(posting.key, ':', 2)
          JOIN ledger_entry entry ON entry.posting_id = posting.id
          JOIN ledger_account account ON account.id = entry.account_id
          LEFT JOIN ledger_posting undone ON undone.id = posting.reverses_id
         WHERE posting.key LIKE 'disbursement:%'
         GROUP BY posting.id, undone.id, disbursement.id
        HAVING CASE
               WHEN posting.key LIKE '%:release' THEN posting.key IS DISTINCT FROM undone.key || ':release'
               ELSE undone.id IS NOT NULL OR count(*) <> 2
                 OR count(*) FILTER (
                    WHERE entry.amount = disbursement.amount
                      AND CASE WHEN posting.key LIKE '%:settle'
                               THEN account.code = 'payouts_in_flight:' || disbursement.currency
                               ELSE account.id = disbursement.funded_from_id END) <> 1
                 OR count(*) FILTER (
                    WHERE entry.amount = -disbursement.amount
                      AND account.code = CASE WHEN posting.key LIKE '%:settle'
                               THEN 'float:' || disbursement.provider || ':' || disbursement.currency
                               ELSE 'payouts_in_flight:' || disbursement.currency END) <> 1
               END
    """)


def check_schedule() -> list[Breach]:
    """No open payout is put off, or claimed by a worker, for longer than any setting allows: it would be forgotten.

    Counted from the last thing that is known to have happened to it.
    """
    return find_breaches(f"""
        SELECT disbursement.key, disbursement.status || ', due ' || next_action_at
               || coalesce(', claimed until ' || claimed_until, '')
          FROM disbursements_disbursement disbursement
         CROSS JOIN LATERAL (
               SELECT max(greatest(created_at, sent_at, last_polled_at)) AS at
                 FROM disbursements_attempt WHERE disbursement_id = disbursement.id
               ) attempted
         WHERE status IN {_LIVE}
           AND greatest(next_action_at, claimed_until)
               > greatest(now(), open_since, swept_at, last_attempt_at, attempted.at) + interval '{_LONGEST_PAUSE}'
    """)  # noqa: S608 - written in code


def check_audit_events() -> list[Breach]:
    """Every change of a payout's money has exactly one audit event: the events add up to the state.

    Payouts older than the oldest event are left out: their events may have been dropped by retention.
    """
    return find_breaches("""
        WITH events AS (
            SELECT target_id,
                   count(*) FILTER (WHERE action = 'disbursement.requested') AS requested,
                   count(*) FILTER (WHERE action = 'disbursement.approved') AS approved,
                   count(*) FILTER (WHERE action = 'disbursement.paid') AS paid,
                   count(*) FILTER (WHERE action = 'disbursement.paid_after_failure') AS paid_late,
                   count(*) FILTER (WHERE action = 'disbursement.failed') AS failed,
                   count(*) FILTER (WHERE action = 'disbursement.retried') AS retried,
                   count(*) FILTER (WHERE action = 'disbursement.cancelled') AS cancelled
              FROM audit_event WHERE target_type = 'disbursements.disbursement' GROUP BY target_id
        )
        SELECT disbursement.key, disbursement.status || ', reserve number ' || reserve_number || ': '
               || coalesce(
                  requested || ' requested, ' || approved || ' approved, ' || paid || ' paid, '
                  || paid_late || ' paid after failure, ' || failed || ' failed, ' || retried || ' retried, '
                  || cancelled || ' cancelled', 'no events')
          FROM disbursements_disbursement disbursement
          LEFT JOIN events ON events.target_id = disbursement.id::text
         WHERE requested_at >= coalesce((SELECT at FROM audit_event ORDER BY id LIMIT 1), '-infinity')
           AND (requested IS NULL
            OR requested <> 1
            OR approved <> (approved_by_id IS NOT NULL)::int
            OR paid + paid_late <> (disbursement.status = 'completed')::int
            OR cancelled <> (disbursement.status = 'cancelled')::int
            OR failed <> reserve_number - 1 + (disbursement.status = 'failed')::int
            OR retried + paid_late <> reserve_number - 1)
    """)


PAYOUT_INVARIANTS: dict[str, Invariant] = {
    "disbursements.in_flight": check_in_flight,
    "disbursements.float_outflow": check_float_outflow,
    "disbursements.attempts": check_attempts,
    "disbursements.postings": check_postings,
    "disbursements.posting_lines": check_posting_lines,
    "disbursements.schedule": check_schedule,
    "disbursements.audit_events": check_audit_events,
}
