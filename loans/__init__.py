"""Lending over USSD: credit, offers, loans and their repayment (specs 1 and 2)."""
