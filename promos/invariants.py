"""What must never be with promotions: between codes, redemptions, payouts, budgets and the ledger (architecture 3)."""

from ledger.invariants import Breach, Invariant, find_breaches


def check_codes_and_redemptions() -> list[Breach]:
    """A used or redeemed code has its redemption, and a redemption's code is used or redeemed."""
    return find_breaches("""
        SELECT 'code ' || code.id, 'is ' || code.status || ' without a redemption'
          FROM promos_code code
         WHERE code.status IN ('used', 'redeemed')
           AND NOT EXISTS (SELECT 1 FROM promos_redemption WHERE promo_code_id = code.id)
         UNION ALL
        SELECT 'redemption ' || redemption.id, 'its code is ' || code.status
          FROM promos_redemption redemption JOIN promos_code code ON code.id = redemption.promo_code_id
         WHERE code.status NOT IN ('used', 'redeemed')
    """)


def check_statuses_agree() -> list[Breach]:
    """Redemption, payout and code tell the same story."""
    return find_breaches("""
        SELECT 'redemption ' || redemption.id,
               redemption.status || ', payout ' || payout.status || ', code ' || code.status
          FROM promos_redemption redemption
          JOIN disbursements_disbursement payout ON payout.id = redemption.disbursement_id
          JOIN promos_code code ON code.id = redemption.promo_code_id
         WHERE redemption.status <> CASE payout.status
                   WHEN 'completed' THEN 'completed' WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'cancelled'
                   ELSE 'pending' END
            OR (redemption.status = 'completed') <> (code.status = 'redeemed')
    """)


def check_contents_agree() -> list[Breach]:
    """The customer of the redemption is paid, on their own phone, what the code says, from the account of its batch,
    under the key of that code: the key is what pays a code once.
    """
    return find_breaches("""
        SELECT 'redemption ' || redemption.id, 'differs from its code, batch or payout ' || payout.key
          FROM promos_redemption redemption
          JOIN disbursements_disbursement payout ON payout.id = redemption.disbursement_id
          JOIN promos_code code ON code.id = redemption.promo_code_id
          JOIN promos_batch batch ON batch.id = redemption.batch_id
          JOIN accounts_user customer ON customer.id = redemption.customer_id
         WHERE payout.key <> 'promo:code:' || code.id
            OR redemption.phone IS DISTINCT FROM customer.phone
            OR (redemption.amount, redemption.currency, redemption.phone, redemption.customer_id)
               IS DISTINCT FROM (payout.amount, payout.currency, payout.payee, payout.customer_id)
            OR (redemption.amount, redemption.batch_id) <> (code.amount, code.batch_id)
            OR (payout.purpose, payout.funded_from_id, payout.currency)
               <> ('promo', batch.account_id, batch.currency)
    """)


def check_payouts_have_redemptions() -> list[Breach]:
    """No payout for a code without its redemption."""
    return find_breaches("""
        SELECT payout.key, 'no redemption' FROM disbursements_disbursement payout
         WHERE payout.purpose = 'promo'
           AND NOT EXISTS (SELECT 1 FROM promos_redemption WHERE disbursement_id = payout.id)
    """)


def check_customers_are_told() -> list[Breach]:
    """Each outcome has its message to the customer's phone, queued with it."""
    return find_breaches("""
        SELECT 'redemption ' || redemption.id, redemption.status || ' without a message'
          FROM promos_redemption redemption
          JOIN disbursements_disbursement payout ON payout.id = redemption.disbursement_id
         WHERE redemption.status <> 'pending'
           AND NOT EXISTS (
               SELECT 1 FROM notifications_sms message
                WHERE message."to" = redemption.phone AND message.key = 'promo:' || redemption.id
                      || CASE redemption.status WHEN 'completed' THEN ':paid' WHEN 'cancelled' THEN ':cancelled'
                              ELSE ':failed:' || payout.reserve_number END)
    """)


def check_audit_events() -> list[Breach]:
    """Every change of a redemption has its audit event: the events add up to the state.

    Redemptions older than the oldest event are left out: their events may have been dropped by retention. One that was
    paid after all, without a person's retry, has one retry less than it has reserves in the ledger.
    """
    return find_breaches("""
        WITH events AS (
            SELECT target_id,
                   count(*) FILTER (WHERE action = 'promo.redemption.accepted') AS accepted,
                   count(*) FILTER (WHERE action = 'promo.redemption.paid') AS paid,
                   count(*) FILTER (WHERE action = 'promo.redemption.failed') AS failed,
                   count(*) FILTER (WHERE action = 'promo.redemption.retried') AS retried,
                   count(*) FILTER (WHERE action = 'promo.redemption.cancelled') AS cancelled
              FROM audit_event WHERE target_type = 'promos.redemption' GROUP BY target_id
        )
        SELECT 'redemption ' || redemption.id, redemption.status || ', reserve number ' || reserve_number || ': '
               || coalesce(
                  accepted || ' accepted, ' || paid || ' paid, ' || failed || ' failed, ' || retried || ' retried, '
                  || cancelled || ' cancelled', 'no events')
          FROM promos_redemption redemption
          JOIN disbursements_disbursement payout ON payout.id = redemption.disbursement_id
          LEFT JOIN events ON events.target_id = redemption.id::text
         WHERE redemption.created_at >= coalesce((SELECT at FROM audit_event ORDER BY id LIMIT 1), '-infinity')
           AND (accepted IS NULL
            OR accepted <> 1
            OR paid <> (redemption.status = 'completed')::int
            OR cancelled <> (redemption.status = 'cancelled')::int
            OR failed <> reserve_number - 1 + (redemption.status = 'failed')::int
            OR retried NOT BETWEEN reserve_number - 1 - (redemption.status = 'completed')::int AND reserve_number - 1)
    """)


def check_budgets() -> list[Breach]:
    """Budget minus slices is what customers were promised; a batch without a budget has no slices."""
    return find_breaches("""
        SELECT 'batch ' || batch.name, 'budget ' || coalesce(batch.budget::text, 'none') || ', slices '
               || coalesce(slices.total::text, 'none') || ', promised ' || promised.total
          FROM promos_batch batch
         CROSS JOIN LATERAL (
               SELECT sum(remaining) AS total FROM promos_budget_slice WHERE batch_id = batch.id
               ) slices
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount), 0) AS total FROM promos_redemption
                WHERE batch_id = batch.id AND status <> 'cancelled'
               ) promised
         WHERE CASE WHEN batch.budget IS NULL THEN slices.total IS NOT NULL
                    ELSE batch.budget - coalesce(slices.total, 0) <> promised.total END
    """)


def check_batch_costs() -> list[Breach]:
    """The ledger charges a batch with exactly the redemptions that are paid or under way."""
    return find_breaches("""
        SELECT 'batch ' || batch.name, 'ledger ' || charged.total || ', redemptions ' || owed.total
          FROM promos_batch batch
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount), 0) AS total FROM ledger_entry WHERE account_id = batch.account_id
               ) charged
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount), 0) AS total FROM promos_redemption
                WHERE batch_id = batch.id AND status IN ('pending', 'completed')
               ) owed
         WHERE charged.total <> owed.total
    """)


def check_code_counts() -> list[Breach]:
    """Runs and batches have counted exactly the codes that are stored."""
    return find_breaches("""
        WITH stored AS (SELECT batch_id, run_id, count(*) AS codes FROM promos_code GROUP BY batch_id, run_id)
        SELECT 'run ' || run.id, 'counted ' || run.generated || ', stored ' || coalesce(sum(stored.codes), 0)
          FROM promos_generation_run run LEFT JOIN stored ON stored.run_id = run.id
         GROUP BY run.id HAVING run.generated <> coalesce(sum(stored.codes), 0)
         UNION ALL
        SELECT 'batch ' || batch.name, 'counted ' || batch.total_codes || ', stored ' || coalesce(sum(stored.codes), 0)
          FROM promos_batch batch LEFT JOIN stored ON stored.batch_id = batch.id
         GROUP BY batch.id HAVING batch.total_codes <> coalesce(sum(stored.codes), 0)
    """)


PROMO_INVARIANTS: dict[str, Invariant] = {
    "promos.codes_and_redemptions": check_codes_and_redemptions,
    "promos.statuses_agree": check_statuses_agree,
    "promos.contents_agree": check_contents_agree,
    "promos.payouts_have_redemptions": check_payouts_have_redemptions,
    "promos.customers_are_told": check_customers_are_told,
    "promos.audit_events": check_audit_events,
    "promos.budgets": check_budgets,
    "promos.batch_costs": check_batch_costs,
    "promos.code_counts": check_code_counts,
}
