"""Loans and repayments against the ledger: every posting of lending names its loan in its key."""

from ledger.invariants import Breach, Invariant, find_breaches

# The loan of a posting: in the key of our own ones, through the payout for its reserves and their releases.
_LOAN_OF_POSTING = """
    CASE WHEN posting.key LIKE 'loan:%' THEN split_part(posting.key, ':', 2)
         WHEN posting.key LIKE 'disbursement:%' THEN (
              SELECT split_part(payout.key, ':', 2) FROM disbursements_disbursement payout
               WHERE payout.id = split_part(posting.key, ':', 2)::uuid AND payout.purpose = 'loan')
    END
"""


def _lines_on(account: str) -> str:
    """The sum of the lines on accounts of this name by loan."""
    return f"""
        SELECT {_LOAN_OF_POSTING} AS loan_id, sum(entry.amount) AS total
          FROM ledger_account account
          JOIN ledger_entry entry ON entry.account_id = account.id
          JOIN ledger_posting posting ON posting.id = entry.posting_id
         WHERE account.code LIKE 'loans:{account}:%' GROUP BY 1
    """  # noqa: S608 - written in code


def check_receivables() -> list[Breach]:
    """What the ledger says a loan owes is what the loan says; while its payout is under way, what is reserved."""
    return find_breaches(f"""
        WITH lines AS ({_lines_on("receivable")})
        SELECT 'loan ' || coalesce(loan.number, lines.loan_id, '?'),
               coalesce(loan.status, 'no such loan') || ', owes ' || coalesce(loan.outstanding, 0)
               || ', ledger ' || coalesce(lines.total, 0)
          FROM loans_loan loan
          FULL JOIN lines ON lines.loan_id = loan.id::text
          LEFT JOIN disbursements_disbursement payout ON payout.id = loan.disbursement_id
         WHERE coalesce(lines.total, 0) <> CASE
                   WHEN loan.status IN ('DISBURSED', 'REPAYING', 'OVERDUE') THEN loan.outstanding
                   WHEN loan.status = 'APPROVED' AND payout.status NOT IN ('failed', 'cancelled')
                   THEN loan.disbursed_amount
                   ELSE 0 END
    """)  # noqa: S608 - written in code


def check_overpaid_accounts() -> list[Breach]:
    """What the ledger holds for customers is what their profiles say, customer by customer."""
    return find_breaches(f"""
        WITH lines AS ({_lines_on("overpaid")}),
        held AS (
            SELECT loan.customer_id, -sum(lines.total) AS total
              FROM lines LEFT JOIN loans_loan loan ON loan.id::text = lines.loan_id GROUP BY loan.customer_id
        )
        SELECT 'customer ' || coalesce(profile.customer_id::text, held.customer_id::text, '?'),
               'overpaid ' || coalesce(profile.overpaid, 0) || ', ledger ' || coalesce(held.total, 0)
          FROM loans_credit_profile profile FULL JOIN held ON held.customer_id = profile.customer_id
         WHERE coalesce(profile.overpaid, 0) <> coalesce(held.total, 0)
    """)  # noqa: S608 - written in code


def check_write_offs() -> list[Breach]:
    """Our loss on a loan written off is what was not paid of it by then; without a write-off there is none."""
    return find_breaches(f"""
        WITH lines AS ({_lines_on("written_off")})
        SELECT 'loan ' || coalesce(loan.number, lines.loan_id, '?'),
               coalesce(loan.status, 'no such loan') || ', written off ' || coalesce(lines.total, 0)
          FROM loans_loan loan
          FULL JOIN lines ON lines.loan_id = loan.id::text
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(applied), 0) AS total FROM loans_repayment
                WHERE loan_id = loan.id AND status = 'completed' AND NOT was_written_off
               ) paid
         WHERE coalesce(lines.total, 0)
               <> CASE WHEN loan.written_off_at IS NULL THEN 0 ELSE loan.amount - paid.total END
    """)  # noqa: S608 - written in code


def check_interest() -> list[Breach]:
    """Interest is earned once, by loans that were paid out, and is what their terms say."""
    return find_breaches(f"""
        WITH lines AS ({_lines_on("interest_income")})
        SELECT 'loan ' || coalesce(loan.number, lines.loan_id, '?'),
               coalesce(loan.status, 'no such loan') || ', interest ' || coalesce(loan.interest, 0)
               || ', ledger ' || -coalesce(lines.total, 0)
          FROM loans_loan loan FULL JOIN lines ON lines.loan_id = loan.id::text
         WHERE -coalesce(lines.total, 0) <> CASE WHEN loan.disbursed_at IS NULL THEN 0 ELSE loan.interest END
    """)  # noqa: S608 - written in code


def check_repayment_postings() -> list[Breach]:
    """Each repayment has its posting, with the lines its amounts call for and its reversal exactly when taken back; and
    no posting speaks of a repayment that is not there.
    """
    return find_breaches("""
        WITH wanted AS (
            SELECT repayment.id, array_agg(side.code || ' ' || side.amount ORDER BY side.code, side.amount) AS lines
              FROM loans_repayment repayment
             CROSS JOIN LATERAL (VALUES
                   (CASE WHEN rail = 'credit' THEN 'loans:overpaid:' ELSE 'loans:collected:' || rail || ':' END
                    || currency, repayment.amount),
                   (CASE WHEN was_written_off THEN 'loans:recovered:' ELSE 'loans:receivable:' END || currency,
                    -applied),
                   ('loans:overpaid:' || currency, -overpaid)
                   ) AS side (code, amount)
             WHERE side.amount <> 0 GROUP BY repayment.id
        )
        SELECT 'repayment ' || repayment.id, 'its posting ' || coalesce(posting.key, 'is missing') || ' differs'
          FROM loans_repayment repayment
          JOIN wanted ON wanted.id = repayment.id
          LEFT JOIN ledger_posting posting ON posting.id = repayment.posting_id
         WHERE posting.key IS DISTINCT FROM 'loan:' || repayment.loan_id || ':repayment:' || repayment.id
            OR wanted.lines IS DISTINCT FROM (
               SELECT array_agg(account.code || ' ' || entry.amount ORDER BY account.code, entry.amount)
                 FROM ledger_entry entry JOIN ledger_account account ON account.id = entry.account_id
                WHERE entry.posting_id = posting.id)
         UNION ALL
        SELECT 'repayment ' || repayment.id, repayment.status || ', reversal ' || coalesce(reversal.key, 'missing')
          FROM loans_repayment repayment
          LEFT JOIN ledger_posting reversal ON reversal.reverses_id = repayment.posting_id
         WHERE (repayment.status = 'reversed') <> (reversal.id IS NOT NULL)
         UNION ALL
        SELECT posting.key, 'no such repayment' FROM ledger_posting posting
         WHERE posting.key LIKE 'loan:%:repayment:%'
           AND NOT EXISTS (SELECT 1 FROM loans_repayment repayment
                            WHERE repayment.id::text = split_part(posting.key, ':', 4))
    """)


LEDGER_INVARIANTS: dict[str, Invariant] = {
    "loans.receivables": check_receivables,
    "loans.overpaid_accounts": check_overpaid_accounts,
    "loans.write_offs": check_write_offs,
    "loans.interest": check_interest,
    "loans.repayment_postings": check_repayment_postings,
}
