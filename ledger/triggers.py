"""What the database itself refuses in the ledger (architecture section 3)."""

import pgtrigger

# Deferred: the lines of one posting arrive one after another, the sum counts when the transaction ends.
POSTING_BALANCED = pgtrigger.Trigger(
    name="posting_balanced",
    operation=pgtrigger.Insert,
    when=pgtrigger.After,
    timing=pgtrigger.Deferred,
    declare=[("off_currency", "text")],
    func="""
        SELECT currency INTO off_currency FROM ledger_entry
         WHERE posting_id = NEW.posting_id GROUP BY currency HAVING sum(amount) <> 0 LIMIT 1;
        IF off_currency IS NOT NULL THEN
            RAISE EXCEPTION 'posting % does not add up to zero in %', NEW.posting_id, off_currency
                USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_balanced';
        END IF;
        RETURN NULL;
    """,
)

POSTING_HAS_LINES = pgtrigger.Trigger(
    name="posting_has_lines",
    operation=pgtrigger.Insert,
    when=pgtrigger.After,
    timing=pgtrigger.Deferred,
    func="""
        IF NOT EXISTS (SELECT 1 FROM ledger_entry WHERE posting_id = NEW.id) THEN
            RAISE EXCEPTION 'posting % has no lines', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_has_lines';
        END IF;
        RETURN NULL;
    """,
)

ENTRY_CURRENCY_MATCHES = pgtrigger.Trigger(
    name="entry_currency_matches",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    func="""
        IF NEW.currency <> (SELECT currency FROM ledger_account WHERE id = NEW.account_id) THEN
            RAISE EXCEPTION 'account % is not kept in %', NEW.account_id, NEW.currency
                USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_currency_matches';
        END IF;
        RETURN NEW;
    """,
)


def refuse_truncate(name: str) -> pgtrigger.Trigger:
    """TRUNCATE fires no row triggers; this one statement would empty the book."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        operation=pgtrigger.Truncate,
        when=pgtrigger.Before,
        func="RAISE EXCEPTION 'rows of % are never removed', TG_TABLE_NAME;",
    )
