"""What only a Super Administrator may do. Roles of finer grain build on this."""

from accounts.models import User


class NotAllowed(Exception):
    """This person may not do this."""

    code = "FORBIDDEN"


def is_super_administrator(person: User | None) -> bool:
    """None is the system or the operator of the machine, who may."""
    return person is None or (person.is_superuser and person.is_active)


def require_super_administrator(person: User | None, *, to: str) -> None:
    """Raises NotAllowed, in words: "Only a Super Administrator can make API tokens."."""
    if not is_super_administrator(person):
        raise NotAllowed(f"Only a Super Administrator can {to}.")
