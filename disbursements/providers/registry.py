"""Which providers exist, which of them pays a currency, and how one is built from its account's settings in force."""

from collections.abc import Callable

from disbursements.accounts import UnknownProvider, account_of, account_paying
from disbursements.providers import mtn_momo
from disbursements.providers.base import Provider
from disbursements.statuses import ProviderSlug

# Called with the account, and `base_url` and `environment` to use instead of its own when not empty.
_BUILDERS: dict[str, Callable[..., Provider]] = {
    ProviderSlug.MTN_MOMO: mtn_momo.build_client,
    ProviderSlug.MTN_MOMO_NG: mtn_momo.build_client,
}


def provider_paying(currency: str) -> str:
    """The slug of the provider account that pays this currency. Raises CurrencyNotPaid, SettingsUnknown."""
    return account_paying(currency).provider


def provider_for(slug: str, *, base_url: str = "", environment: str = "") -> Provider:
    """The provider as configured now. Raises UnknownProvider.

    An attempt that may have been sent must be asked about, and sent again, where it was sent first: give its
    stored `base_url` and `environment`. Anywhere else the reference is unknown, and sending it pays twice.
    """
    if slug not in _BUILDERS:
        raise UnknownProvider(f"No provider {slug!r}; known: {', '.join(sorted(_BUILDERS))}")
    return _BUILDERS[slug](account_of(slug), base_url=base_url, environment=environment)
