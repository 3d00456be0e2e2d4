"""Staff and what staff may change about people. Each act leaves one audit event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.locks import lock_group, lock_user
from accounts.models import User
from accounts.services.authority import NotAllowed, is_super_administrator, require_super_administrator
from audit import services as audit

PERSONAL = ("first_name", "last_name", "email", "language")
# What decides who a person is to the back office.
POWERS = ("is_active", "is_staff", "is_superuser", "is_verified", "groups")
CHANGEABLE = (*PERSONAL, *POWERS)


def create_staff(
    *,
    email: str,
    password: str | None,
    first_name: str = "",
    last_name: str = "",
    is_superuser: bool = False,
    created_by: User | None,
    at: datetime,
) -> User:
    """A staff member who signs in by e-mail; `password` None for one who cannot sign in by password.

    `created_by` None is the operator of the machine. Raises NotAllowed, and IntegrityError for an address that
    is taken.
    """
    require_super_administrator(created_by, to="add staff")
    with transaction.atomic():
        user = User.objects.create_user(
            email=email, password=password, first_name=first_name, last_name=last_name, is_superuser=is_superuser
        )
        audit.record("staff.created", target=user, after=_describe(user), at=at)
    return user


def change_user(*, user_id: Any, changes: Mapping[str, Any], changed_by: User | None, at: datetime) -> User:
    """Change what is given of CHANGEABLE; `groups` is the whole list. What is the same already is no change.

    Raises NotAllowed as `refuse_change` does, and IntegrityError for an address that is taken.
    """
    with transaction.atomic():
        user = lock_user(user_id)
        refuse_change(user=user, changes=changes, changed_by=changed_by)
        before = _describe(user)
        for name in changes.keys() - {"groups"}:
            setattr(user, name, changes[name])
        user.clean()
        user.save(update_fields=[*(changes.keys() - {"groups"}), "updated_at"])
        if "groups" in changes:
            user.groups.set(changes["groups"])
        after = _describe(user)
        moved = [name for name in after if after[name] != before[name]]
        if moved:
            audit.record(
                "user.changed",
                target=user,
                before={name: before[name] for name in moved},
                after={name: after[name] for name in moved},
                at=at,
            )
    return user


def refuse_change(*, user: User, changes: Mapping[str, Any], changed_by: User | None) -> None:
    """Raises NotAllowed for what `changed_by` may not change about this person, and ValueError for what nobody may.

    Only a Super Administrator changes a Super Administrator, or anybody's powers; and nobody takes away their own,
    so that one careless click does not shut everybody out.
    """
    if unknown := changes.keys() - set(CHANGEABLE):
        raise ValueError(f"{', '.join(sorted(unknown))} cannot be changed.")
    now = _describe(user)
    wanted = {name: _plain(value) for name, value in changes.items()}
    powers = [name for name in POWERS if name in wanted and wanted[name] != now[name]]
    if not is_super_administrator(changed_by):
        if user.is_superuser:
            raise NotAllowed("Only a Super Administrator can change a Super Administrator.")
        if powers:
            raise NotAllowed("Only a Super Administrator can change what somebody may do.")
    own = changed_by is not None and changed_by.pk == user.pk
    if own and any(name in powers and not wanted[name] for name in ("is_active", "is_staff", "is_superuser")):
        raise NotAllowed("You cannot take away your own access; ask another Super Administrator.")


def set_password(*, user_id: Any, password: str | None, set_by: User | None, at: datetime) -> User:
    """A new password, None for none. Sessions opened with the old one end.

    Everybody may set their own; a Super Administrator's is set by a Super Administrator only. Raises NotAllowed.
    """
    with transaction.atomic():
        user = lock_user(user_id)
        if set_by is not None and set_by.pk != user.pk:
            refuse_change(user=user, changes={}, changed_by=set_by)
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        audit.record("user.password_set", target=user, after={"usable": user.has_usable_password()}, at=at)
    return user


def save_group(*, group: Group, name: str, permissions: list[Permission], saved_by: User | None, at: datetime) -> Group:
    """Name a group and the whole list of its permissions. `group` may be new. Raises NotAllowed."""
    require_super_administrator(saved_by, to="change groups")
    with transaction.atomic():
        # From the database: a form may have changed the instance already.
        before = _describe_group(lock_group(group.pk)) if group.pk else {}
        group.name = name
        group.save()
        group.permissions.set(permissions)
        audit.record("group.saved", target=group, before=before, after=_describe_group(group), at=at)
    return group


def delete_group(*, group: Group, deleted_by: User | None, at: datetime) -> None:
    """Remove a group; its members lose what only it gave them. Raises NotAllowed."""
    require_super_administrator(deleted_by, to="delete groups")
    with transaction.atomic():
        audit.record("group.deleted", target=group, before=_describe_group(group), at=at)
        group.delete()


def _describe(user: User) -> dict[str, Any]:
    described = {name: getattr(user, name) for name in CHANGEABLE if name != "groups"}
    return described | {"groups": _plain(user.groups.all())}


def _describe_group(group: Group) -> dict[str, Any]:
    codes = group.permissions.values_list("content_type__app_label", "codename")
    return {"name": group.name, "permissions": sorted(f"{app}.{code}" for app, code in codes)}


def _plain(value: Any) -> Any:
    """Groups by their names, so that they compare and read well."""
    if isinstance(value, str | bool) or value is None:
        return value
    return sorted(str(item) for item in value)
