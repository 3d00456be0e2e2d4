"""Settings of payouts that staff may change (spec 5, "Payment Integration Settings"): one category for each account.

The first, `PaymentSettings`, also holds what all accounts share: schedules and the circuit breaker.
"""

from disbursements.configuration.account import MTN_PRODUCTION_URL, ProviderAccount, account_categories
from disbursements.configuration.nigeria import NigeriaPayments
from disbursements.configuration.payments import PaymentSettings

__all__ = ["MTN_PRODUCTION_URL", "NigeriaPayments", "PaymentSettings", "ProviderAccount", "account_categories"]
