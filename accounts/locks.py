"""Every `select_for_update` of this app."""

from typing import Any

from django.contrib.auth.models import Group

from accounts.models import ApiToken, User
from accounts.statuses import TokenStatus


def lock_user(user_id: Any) -> User:
    """The user's row, locked until the transaction ends. Raises User.DoesNotExist."""
    return User.objects.select_for_update(of=("self",)).get(pk=user_id)


def lock_group(group_id: int) -> Group:
    """The group's row, locked until the transaction ends. Raises Group.DoesNotExist."""
    return Group.objects.select_for_update(of=("self",)).get(pk=group_id)


def lock_token(token_id: int) -> ApiToken:
    """The token's row, locked until the transaction ends. Raises ApiToken.DoesNotExist."""
    return ApiToken.objects.select_for_update(of=("self",)).get(pk=token_id)


def lock_active_tokens(partner_email: str) -> list[ApiToken]:
    """The partner's active tokens, locked in the order of their keys."""
    rows = ApiToken.objects.select_for_update(of=("self",)).filter(
        partner_email__iexact=partner_email, status=TokenStatus.ACTIVE
    )
    return list(rows.order_by("pk"))
