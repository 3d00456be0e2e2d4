"""Names of the acts that may be recorded. Each app adds its own from `AppConfig.ready`."""

import re
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_actions: dict[str, str] = {}


class UnregisteredAction(LookupError):
    """An act was recorded under a name that no app registered."""

    code = "UNREGISTERED_ACTION"


def register_actions(actions: Mapping[str, str]) -> None:
    """Add dotted names with their words for people: `{"promo.code.redeemed": "A customer redeemed a code"}`.

    The same name with the same words may come twice. Raises ImproperlyConfigured for a name that is not
    dotted lower case, for empty words, and for a name that already means something else.
    """
    for name, words in actions.items():
        if not _NAME.fullmatch(name) or len(name) > 100:
            raise ImproperlyConfigured(f"Audit action {name!r} must be dotted lower case, as 'loan.approved'.")
        if not words.strip():
            raise ImproperlyConfigured(f"Audit action {name!r} needs words for people.")
        if _actions.get(name, words) != words:
            raise ImproperlyConfigured(f"Audit action {name!r} already means {_actions[name]!r}.")
        _actions[name] = words


def registered_actions() -> dict[str, str]:
    """Every name with its words, by name."""
    return dict(sorted(_actions.items()))


def require_action(name: str) -> None:
    """Raises UnregisteredAction for a name no app registered."""
    if name not in _actions:
        raise UnregisteredAction(
            f"Audit action {name!r} is not registered: add it with audit.registry.register_actions "
            "in the AppConfig.ready of the app that records it."
        )
