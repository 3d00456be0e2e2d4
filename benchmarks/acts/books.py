"""Whether the books agree after a benchmark moved money."""

from ledger.invariants import registered_invariants


def find_breaches() -> list[str]:
    """What `manage.py check_invariants` would name."""
    return [
        f"{name}: {breach.subject} {breach.detail}"
        for name, check in registered_invariants().items()
        for breach in check()
    ]
