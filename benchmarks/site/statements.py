"""The SQL statements of the product's paths in lending, by kind and in order, as the tests of `loans` count them.

A test holds these against those counts, so that the bare view does as many as the product.
"""

STATEMENTS: dict[str, tuple[str, ...]] = {
    # The token; the borrower.
    "offer": ("SELECT", "SELECT"),
    # Token, borrower, number; profile locked, loans looked at again; payout, posting, entries, audit, loan; profile;
    # audit.
    "approval": ("SELECT",) * 3 + ("BEGIN",) + ("SELECT",) * 2 + ("INSERT",) * 5 + ("UPDATE", "INSERT", "COMMIT"),
}
