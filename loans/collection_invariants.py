"""What must never be with requests to pay: between the rows, the repayments and the audit trail."""

from ledger.invariants import Breach, Invariant, find_breaches

# The longest pause that settings allow (`disbursements.configuration.fields.Seconds`), and a day for clocks and claims.
_LONGEST_PAUSE = "8 days"


def check_booked() -> list[Breach]:
    """A paid request has its repayment, of the same loan, money and transaction, which no other request has; and each
    repayment that came by a request to pay has its paid request.
    """
    return find_breaches("""
        SELECT coalesce(request.id::text, 'repayment ' || repayment.id),
               coalesce(request.status, 'no request') || ' ' || coalesce(request.amount::text, '') || ', transaction '
               || coalesce(nullif(request.provider_reference, ''), 'none') || ', repayment '
               || coalesce(repayment.amount || ' ' || repayment.rail || ' ' || repayment.reference, 'none')
          FROM (SELECT * FROM loans_collection_request WHERE status = 'completed') request
          FULL JOIN loans_repayment repayment ON repayment.id = request.repayment_id
         WHERE (request.id IS NOT NULL OR repayment.channel = 'request_to_pay')
           AND (request.id IS NULL OR repayment.id IS NULL
            OR (repayment.loan_id, repayment.customer_id, repayment.amount, repayment.currency, repayment.rail,
                repayment.reference)
               IS DISTINCT FROM (request.loan_id, request.customer_id, request.amount, request.currency, 'mtn_momo',
                request.provider_reference))
    """)


def check_sent() -> list[Breach]:
    """What the provider knows has left us, and we know where and as whom it was sent."""
    return find_breaches("""
        SELECT id::text, status || ', sends ' || sends || ', at ' || base_url || ' ' || environment
          FROM loans_collection_request
         WHERE status IN ('pending', 'completed') AND (sends = 0 OR sent_at IS NULL OR base_url = '')
    """)


def check_schedule() -> list[Breach]:
    """No open request is put off, or claimed by a worker, for longer than any setting allows: it would be forgotten."""
    return find_breaches(f"""
        SELECT id::text, status || ', due ' || next_action_at || coalesce(', claimed until ' || claimed_until, '')
          FROM loans_collection_request
         WHERE status IN ('queued', 'pending')
           AND greatest(next_action_at, claimed_until)
               > greatest(now(), created_at, sent_at, asked_at, swept_at) + interval '{_LONGEST_PAUSE}'
    """)  # noqa: S608 - written in code


def check_audit_events() -> list[Breach]:
    """Each request was asked for once, paid once when it is paid, and failed or closed once when it is failed.

    Requests older than the oldest event are left out: their events may have been dropped by retention.
    """
    return find_breaches("""
        WITH events AS (
            SELECT target_id,
                   count(*) FILTER (WHERE action = 'collection.requested') AS requested,
                   count(*) FILTER (WHERE action = 'collection.paid') AS paid,
                   count(*) FILTER (
                       WHERE action = 'collection.failed'
                          OR action = 'collection.closed' AND before->>'status' IN ('queued', 'pending')
                   ) AS ended
              FROM audit_event WHERE target_type = 'loans.collectionrequest' GROUP BY target_id
        )
        SELECT request.id::text, request.status || ': '
               || coalesce(requested || ' requested, ' || paid || ' paid, ' || ended || ' ended', 'no events')
          FROM loans_collection_request request LEFT JOIN events ON events.target_id = request.id::text
         WHERE request.created_at >= coalesce((SELECT at FROM audit_event ORDER BY id LIMIT 1), '-infinity')
           AND (requested IS NULL OR requested <> 1
            OR paid <> (request.status = 'completed')::int
            OR ended > 1 OR (ended = 0 AND request.status = 'failed')
            OR (ended = 1 AND request.status NOT IN ('failed', 'completed')))
    """)


COLLECTION_INVARIANTS: dict[str, Invariant] = {
    "loans.collections_booked": check_booked,
    "loans.collections_sent": check_sent,
    "loans.collections_schedule": check_schedule,
    "loans.collections_audit_events": check_audit_events,
}
