"""Loans, repayments, payouts and profiles against each other."""

from configuration.selectors import current
from ledger.invariants import Breach, Invariant, find_breaches
from loans.configuration import LoanSettings


def check_amounts_paid() -> list[Breach]:
    """A loan has been paid what its standing repayments brought it."""
    return find_breaches("""
        SELECT 'loan ' || loan.number, 'paid ' || loan.amount_paid || ', repayments ' || brought.total
          FROM loans_loan loan
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(applied), 0) AS total FROM loans_repayment
                WHERE loan_id = loan.id AND status = 'completed'
               ) brought
         WHERE loan.amount_paid <> brought.total
    """)


def check_profiles() -> list[Breach]:
    """A profile's sums are those of the customer's loans and repayments; whoever has a loan has a profile."""
    return find_breaches("""
        WITH loans AS (
            SELECT customer_id,
                   count(*) FILTER (WHERE approved_at IS NOT NULL AND status NOT IN ('REJECTED', 'CANCELLED')) AS made,
                   sum(amount) FILTER (WHERE disbursed_at IS NOT NULL) AS borrowed,
                   sum(outstanding) FILTER (WHERE status IN
                       ('PENDING', 'APPROVED', 'DISBURSED', 'REPAYING', 'OVERDUE')) AS outstanding,
                   bool_or(status IN ('DISBURSED', 'REPAYING', 'OVERDUE')) AS owes
              FROM loans_loan GROUP BY customer_id
        ), repaid AS (
            SELECT customer_id, sum(applied) AS repaid,
                   sum(overpaid) - coalesce(sum(amount) FILTER (WHERE rail = 'credit'), 0) AS overpaid
              FROM loans_repayment WHERE status = 'completed' GROUP BY customer_id
        ), facts AS (
            SELECT coalesce(profile.customer_id, loans.customer_id) AS customer_id, loans.owes,
                   (coalesce(loans.made, 0), coalesce(borrowed, 0), coalesce(loans.outstanding, 0),
                    coalesce(repaid.repaid, 0), coalesce(repaid.overpaid, 0)) AS found,
                   (profile.total_loans::bigint, profile.total_borrowed, profile.outstanding, profile.total_repaid,
                    profile.overpaid) AS kept,
                   profile.overpaid AS held
              FROM loans_credit_profile profile
              FULL JOIN loans ON loans.customer_id = profile.customer_id
              LEFT JOIN repaid ON repaid.customer_id = profile.customer_id
        )
        SELECT 'customer ' || customer_id, 'profile ' || kept || ', loans and repayments ' || found
               || CASE WHEN owes AND held > 0 THEN ', owes while we hold money' ELSE '' END
          FROM facts WHERE kept IS DISTINCT FROM found OR owes AND held > 0
    """)


def check_standings() -> list[Breach]:
    """A profile says how the customer stands: `loans.selectors.standing_of` in one question."""
    return find_breaches("""
        WITH unpaid AS (
            SELECT customer_id, max(disbursed_at) AS latest FROM loans_loan
             WHERE disbursed_at IS NOT NULL AND status <> 'COMPLETED' GROUP BY customer_id
        ), expected AS (
            SELECT profile.customer_id, profile.repayment_status AS kept, CASE
                   WHEN unpaid.latest IS NOT NULL THEN CASE WHEN EXISTS (
                        SELECT 1 FROM loans_repayment repayment JOIN loans_loan loan ON loan.id = repayment.loan_id
                         WHERE repayment.customer_id = profile.customer_id AND loan.status <> 'COMPLETED'
                           AND repayment.status = 'completed' AND repayment.applied > 0
                           AND repayment.created_at >= unpaid.latest) THEN 'PARTIAL' ELSE 'PENDING' END
                   WHEN EXISTS (SELECT 1 FROM loans_loan WHERE customer_id = profile.customer_id
                                   AND disbursed_at IS NOT NULL) THEN 'COMPLETED'
                   ELSE '' END AS standing
              FROM loans_credit_profile profile LEFT JOIN unpaid ON unpaid.customer_id = profile.customer_id
        )
        SELECT 'customer ' || customer_id, 'stands ' || kept || ', should be ' || standing
          FROM expected WHERE kept <> standing
    """)


def check_payouts() -> list[Breach]:
    """A loan and its one payout tell the same story; no payout for a loan without it."""
    return find_breaches("""
        SELECT 'loan ' || loan.number, loan.status || ', payout ' || coalesce(payout.status, 'none')
          FROM loans_loan loan
          LEFT JOIN disbursements_disbursement payout ON payout.id = loan.disbursement_id
         WHERE CASE loan.status
                   WHEN 'PENDING' THEN payout.id IS NOT NULL
                   WHEN 'REJECTED' THEN payout.id IS NOT NULL
                   WHEN 'CANCELLED' THEN payout.status <> 'cancelled'
                   WHEN 'APPROVED' THEN payout.status IN ('completed', 'cancelled')
                                        OR (payout.status = 'failed') IS DISTINCT FROM (loan.error_code <> '')
                                           AND payout.id IS NOT NULL
                                        OR payout.id IS NULL AND loan.channel <> 'staff'
                   ELSE payout.status IS DISTINCT FROM 'completed' END
            OR (loan.disbursed_at IS NOT NULL) <> coalesce(payout.status = 'completed', false)
         UNION ALL
        SELECT 'loan ' || loan.number, 'differs from payout ' || payout.key
          FROM loans_loan loan JOIN disbursements_disbursement payout ON payout.id = loan.disbursement_id
         WHERE (payout.purpose, payout.key) <> ('loan', 'loan:' || loan.id)
            OR (payout.amount, payout.currency, payout.payee, payout.customer_id)
               IS DISTINCT FROM (loan.disbursed_amount, loan.currency, loan.phone, loan.customer_id)
         UNION ALL
        SELECT payout.key, 'no loan' FROM disbursements_disbursement payout
         WHERE payout.purpose = 'loan'
           AND NOT EXISTS (SELECT 1 FROM loans_loan WHERE disbursement_id = payout.id)
    """)


def check_statuses() -> list[Breach]:
    """A loan's status fits its amounts, times and due date; overdue begins on the country's day after it."""
    zone = current(LoanSettings).time_zone
    return find_breaches(f"""
        SELECT 'loan ' || number, status || ', paid ' || amount_paid || ' of ' || amount || ', due ' || due_date
          FROM loans_loan
         WHERE NOT CASE status
                   WHEN 'DISBURSED' THEN amount_paid = 0
                   WHEN 'REPAYING' THEN amount_paid > 0 AND outstanding > 0
                   WHEN 'OVERDUE' THEN outstanding > 0 AND overdue_at IS NOT NULL
                                       AND due_date < (overdue_at AT TIME ZONE '{zone}')::date
                   WHEN 'COMPLETED' THEN outstanding = 0
                   WHEN 'WRITTEN_OFF' THEN outstanding > 0
                   ELSE amount_paid = 0 END
            OR (status = 'COMPLETED') <> (completed_at IS NOT NULL)
            OR (status = 'WRITTEN_OFF') AND written_off_at IS NULL
            OR written_off_at IS NOT NULL AND status NOT IN ('WRITTEN_OFF', 'COMPLETED')
            OR (status IN ('PENDING', 'APPROVED', 'REJECTED', 'CANCELLED')) = (disbursed_at IS NOT NULL)
            OR completed_at < disbursed_at
    """)  # noqa: S608 - the zone's name is checked where it is set


def check_sources() -> list[Breach]:
    """A notice or a line of a file that is booked is the very money of its repayment."""
    return find_breaches("""
        SELECT 'notice ' || notice.id, 'differs from its repayment'
          FROM loans_paid_in_notice notice JOIN loans_repayment repayment ON repayment.id = notice.repayment_id
         WHERE (notice.rail, notice.reference, notice.amount, notice.currency)
               <> (repayment.rail, repayment.reference, repayment.amount, repayment.currency)
         UNION ALL
        SELECT 'line ' || line.number || ' of file ' || line.file_id, 'differs from its repayment'
          FROM loans_repayment_file_line line JOIN loans_repayment repayment ON repayment.id = line.repayment_id
         WHERE (line.rail, line.reference, line.amount) <> (repayment.rail, repayment.reference, repayment.amount)
         UNION ALL
        SELECT 'file ' || file.id, 'applied, with lines left'
          FROM loans_repayment_file file
         WHERE file.status = 'applied'
           AND EXISTS (SELECT 1 FROM loans_repayment_file_line WHERE file_id = file.id AND status = 'good')
    """)


SUM_INVARIANTS: dict[str, Invariant] = {
    "loans.amounts_paid": check_amounts_paid,
    "loans.profiles": check_profiles,
    "loans.standings": check_standings,
    "loans.payouts": check_payouts,
    "loans.statuses": check_statuses,
    "loans.sources": check_sources,
}
