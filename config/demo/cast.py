"""Who and what the demo holds, beside the customers of `ussd.simulator.cast`."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.statuses import TokenScope
from disbursements.configuration import NigeriaPayments, PaymentSettings, ProviderAccount


@dataclass(frozen=True)
class StaffMember:
    """Somebody who signs in to the back office."""

    email: str
    first_name: str
    role: str
    is_superuser: bool = False


STAFF = (StaffMember("admin@starhash.example", "Ada", "Super Administrator", is_superuser=True),)
PARTNER = "partner@starhash.example"
PARTNER_SCOPES = list(TokenScope.values)
# Slug, name, kind. One gateway for each wire format; the first is the one that the browser's phone dials through.
GATEWAYS = (
    ("demo-at", "Africa's Talking (demo)", "africastalking"),
    ("demo-json", "JSON middle server (demo)", "json"),
    ("demo-lastinput", "Last input, spec 3 (demo)", "lastinput"),
)
SERVICE_CODES = {"*123#": "promo", "*100#": "menu", "*200#": "credit"}
BATCH = "Paint lids (demo)"
CODES = 500
AMOUNT = Decimal(500)
CURRENCY = "RWF"
VALID_DAYS = 180
# The account of each market, and the currency of its float.
ACCOUNTS: tuple[tuple[type[ProviderAccount], str], ...] = ((PaymentSettings, "RWF"), (NigeriaPayments, "NGN"))
# What each of them holds in the sandbox at its start (`sandbox.options`).
FLOAT = Decimal(100_000_000)
# The sandbox process knows these credentials (`sandbox.options`), in every environment; they open nothing else.
MOMO_CREDENTIALS = {
    "momo_api_user": "11111111-1111-4111-8111-111111111111",
    "momo_api_key": "sandbox-api-key",
    "momo_subscription_key": "sandbox-subscription-key",
}
COLLECTION_CREDENTIALS = {
    "api_user": "11111111-1111-4111-8111-111111111111",
    "api_key": "sandbox-api-key",
    "subscription_key": "sandbox-collection-key",
}
SMS_CREDENTIALS = {"username": "sandbox", "api_key": "sandbox-sms-api-key"}
