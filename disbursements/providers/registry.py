"""Which providers exist, and how one is built from the settings in force."""

from collections.abc import Callable

from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.providers import mtn_momo
from disbursements.providers.base import Provider

# Who pays when nothing else is said.
DEFAULT_PROVIDER = mtn_momo.SLUG

# Called with the settings, and `base_url` and `environment` to use instead of theirs when not empty.
_BUILDERS: dict[str, Callable[..., Provider]] = {mtn_momo.SLUG: mtn_momo.build_client}


class UnknownProvider(LookupError):
    """No provider has this slug."""

    code = "UNKNOWN_PROVIDER"


def provider_for(slug: str, *, base_url: str = "", environment: str = "") -> Provider:
    """The provider as configured now. Raises UnknownProvider.

    An attempt that may have been sent must be asked about, and sent again, where it was sent first: give its
    stored `base_url` and `environment`. Anywhere else the reference is unknown, and sending it pays twice.
    """
    try:
        build = _BUILDERS[slug]
    except KeyError:
        raise UnknownProvider(f"No provider {slug!r}; known: {', '.join(sorted(_BUILDERS))}") from None
    return build(current(PaymentSettings), base_url=base_url, environment=environment)
