"""Every `select_for_update` of this app."""

from typing import Any

from accounts.models import User


def lock_user(user_id: Any) -> User:
    """The user's row, locked until the transaction ends. Raises User.DoesNotExist."""
    return User.objects.select_for_update(of=("self",)).get(pk=user_id)
