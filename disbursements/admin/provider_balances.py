"""What providers say our float is."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from audit.admin_lists import ReadOnlyAdmin, moment
from disbursements.models import ProviderBalance
from ledger.money import format_amount


@admin.register(ProviderBalance)
class ProviderBalanceAdmin(ReadOnlyAdmin):
    """One row per provider, environment and currency, asked for every minute."""

    list_display = ("provider", "environment", "money", "checked", "short")

    @display(description="Available")
    def money(self, balance: ProviderBalance) -> str:
        return format_amount(balance.available, balance.currency)

    @display(description="Checked (UTC)")
    def checked(self, balance: ProviderBalance) -> SafeString:
        return moment(balance.checked_at)

    @display(description="Short since (UTC)")
    def short(self, balance: ProviderBalance) -> SafeString:
        return moment(balance.short_since)
