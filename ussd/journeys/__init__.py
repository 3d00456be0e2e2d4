"""The journeys, one file each. `register_journeys` is called from `AppConfig.ready`."""

from ussd.journeys import credit, help_, language, menu, payments, promo
from ussd.registry import register_journey


def register_journeys() -> None:
    """Make ours known; other apps' journeys are registered the same way."""
    for module in (promo, payments, credit, language, help_, menu):
        register_journey(module.JOURNEY)
