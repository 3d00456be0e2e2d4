"""The two callbacks of lending, `loan-offer` and `loan-approve` (specs 1 and 2; contract section 2)."""
