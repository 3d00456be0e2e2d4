"""Payouts in the back office: to read, and to decide about."""

from disbursements.admin.attempts import AttemptAdmin
from disbursements.admin.callbacks import ProviderCallbackAdmin
from disbursements.admin.payouts import DisbursementAdmin
from disbursements.admin.provider_balances import ProviderBalanceAdmin

__all__ = ["AttemptAdmin", "DisbursementAdmin", "ProviderBalanceAdmin", "ProviderCallbackAdmin"]
