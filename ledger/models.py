"""Double entry: accounts, postings, entries and the balances of accounts that must not go below zero."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models

from ledger.statuses import AccountKind
from ledger.triggers import ENTRY_CURRENCY_MATCHES, POSTING_BALANCED, POSTING_HAS_LINES, refuse_truncate


class Account(models.Model):
    """A place money stands. Its code says what it is: `float:mtn_momo:RWF`, `promo:<batch>`.

    Accounts with `keeps_balance` (wallets) have a `Balance` row, locked and checked at every posting.
    System accounts have none, because one hot row would make every payout wait for the one before it.
    """

    code = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=AccountKind)
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=150)
    keeps_balance = models.BooleanField(default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ledger_accounts",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "ledger_account"
        ordering = ["code"]
        triggers = [
            # The name may be bettered; what entries rely on may not.
            pgtrigger.ReadOnly(
                name="account_fixed", fields=["code", "kind", "currency", "keeps_balance", "owner", "created_at"]
            ),
            pgtrigger.Protect(name="account_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.code


class Posting(models.Model):
    """One movement of money: entries that add up to zero per currency (deferred trigger). Never edited."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=150, unique=True, help_text="The same key is posted once")
    description = models.CharField(max_length=200)
    posted_at = models.DateTimeField()
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "ledger_posting"
        ordering = ["-posted_at", "-id"]
        indexes = [models.Index(fields=["-posted_at", "-id"], name="posting_recent")]
        triggers = [
            pgtrigger.Protect(name="posting_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("posting_not_truncated"),
            POSTING_HAS_LINES,
        ]

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """One line of a posting. Debits are positive, credits negative, in the account's currency."""

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries")
    # Indexed below, with the amount: a busy account is summed from the index alone.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "ledger_entry"
        verbose_name_plural = "entries"
        ordering = ["id"]
        indexes = [models.Index(fields=["account"], include=["amount"], name="entry_account_amount")]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="entry_amount_not_zero")]
        triggers = [
            pgtrigger.Protect(name="entry_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            refuse_truncate("entry_not_truncated"),
            ENTRY_CURRENCY_MATCHES,
            POSTING_BALANCED,
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount} {self.currency}"


class Balance(models.Model):
    """The running balance of an account that keeps one. The database refuses a value below zero.

    For a wallet (a liability) the customer's money is the negative of the entries' sum; `amount` is that money,
    positive.
    """

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.PROTECT, related_name="balance")
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ledger_balance"
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="balance_not_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.amount}"
