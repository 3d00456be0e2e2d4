"""Kinds of accounts."""

from django.db import models


class AccountKind(models.TextChoices):
    """The five kinds of double entry."""

    ASSET = "asset", "Asset"
    LIABILITY = "liability", "Liability"
    EQUITY = "equity", "Equity"
    INCOME = "income", "Income"
    EXPENSE = "expense", "Expense"
