"""Staff, powers, passwords and groups: who may, and what is recorded."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services import staff
from accounts.services.authority import NotAllowed
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)
PASSWORD = "a long password of ours"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser(email="root@example.com", password=PASSWORD)


@pytest.fixture
def other_root() -> User:
    return User.objects.create_superuser(email="other-root@example.com", password=PASSWORD)


@pytest.fixture
def teller() -> User:
    return User.objects.create_user(email="teller@example.com", password=PASSWORD)


@pytest.fixture
def approver() -> User:
    return User.objects.create_user(email="approver@example.com", password=PASSWORD)


def change(user: User, by: User | None, **changes: Any) -> User:
    return staff.change_user(user_id=user.pk, changes=changes, changed_by=by, at=AT)


def test_create_staff_leaves_one_event_without_the_password(root: User) -> None:
    user = staff.create_staff(email="Ama@Example.com", password=PASSWORD, first_name="Ama", created_by=root, at=AT)

    assert (user.email, user.is_staff, user.check_password(PASSWORD)) == ("ama@example.com", True, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.target_id, event.at) == ("staff.created", str(user.pk), AT)
    assert event.after["email"] == "ama@example.com"
    assert "password" not in event.after


def test_create_staff_is_for_super_administrators(teller: User) -> None:
    with pytest.raises(NotAllowed, match="Only a Super Administrator can add staff"):
        staff.create_staff(email="ama@example.com", password=PASSWORD, created_by=teller, at=AT)

    assert User.objects.get() == teller
    assert not AuditEvent.objects.exists()


def test_create_staff_with_a_taken_address_changes_nothing(teller: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        staff.create_staff(email="TELLER@example.com", password=PASSWORD, created_by=None, at=AT)

    assert User.objects.get() == teller
    assert not AuditEvent.objects.exists()


def test_change_user_records_only_what_moved(root: User, teller: User) -> None:
    group = Group.objects.create(name="Tellers")

    change(teller, root, first_name="Ama", last_name="", is_verified=True, groups=[group])

    teller.refresh_from_db()
    assert (teller.first_name, teller.is_verified, list(teller.groups.all())) == ("Ama", True, [group])
    event = AuditEvent.objects.get()
    assert (event.action, event.target_id) == ("user.changed", str(teller.pk))
    assert event.before == {"first_name": "", "is_verified": False, "groups": []}
    assert event.after == {"first_name": "Ama", "is_verified": True, "groups": ["Tellers"]}


def test_change_user_to_the_same_leaves_no_event(root: User, teller: User) -> None:
    change(teller, root, first_name="", is_staff=True, groups=[])

    assert not AuditEvent.objects.exists()


def test_change_user_lowers_the_address(root: User, teller: User) -> None:
    assert change(teller, root, email="New@Example.com").email == "new@example.com"


def test_change_user_refuses_unknown_fields(root: User, teller: User) -> None:
    with pytest.raises(ValueError, match="password, phone cannot be changed"):
        change(teller, root, password="x", phone="+250788123456")


@pytest.mark.parametrize("power", ["is_superuser", "is_verified"])
def test_change_user_powers_are_for_super_administrators(power: str, teller: User, approver: User) -> None:
    for who in (teller, approver):
        with pytest.raises(NotAllowed, match="what somebody may do"):
            change(teller, who, **{power: True})

    teller.refresh_from_db()
    assert getattr(teller, power) is False
    assert not AuditEvent.objects.exists()


def test_change_user_groups_are_for_super_administrators(teller: User) -> None:
    group = Group.objects.create(name="Approvers")

    with pytest.raises(NotAllowed):
        change(teller, teller, groups=[group])

    assert not teller.groups.exists()


def test_change_user_details_by_another_member_of_staff(teller: User, approver: User) -> None:
    """With powers on the form as they are, so that a page may send them all."""
    change(teller, approver, first_name="Ama", is_staff=True, is_superuser=False, groups=[])

    teller.refresh_from_db()
    assert teller.first_name == "Ama"


def test_change_user_super_administrators_only_by_their_like(root: User, other_root: User, teller: User) -> None:
    with pytest.raises(NotAllowed, match="change a Super Administrator"):
        change(root, teller, email="mine@example.com")

    assert change(root, other_root, first_name="Root").first_name == "Root"


@pytest.mark.parametrize("power", ["is_active", "is_staff", "is_superuser"])
def test_change_user_never_takes_away_ones_own_access(power: str, root: User, other_root: User) -> None:
    with pytest.raises(NotAllowed, match="your own access"):
        change(root, root, **{power: False})

    change(root, other_root, **{power: False})
    root.refresh_from_db()
    assert getattr(root, power) is False


def test_set_password_of_ones_own_and_by_super_administrators(root: User, teller: User) -> None:
    staff.set_password(user_id=teller.pk, password="another long one", set_by=teller, at=AT)
    staff.set_password(user_id=teller.pk, password=None, set_by=root, at=AT)

    teller.refresh_from_db()
    assert not teller.has_usable_password()
    first, second = AuditEvent.objects.order_by("id")
    assert (first.action, first.after) == ("user.password_set", {"usable": True})
    assert (second.action, second.after) == ("user.password_set", {"usable": False})


def test_set_password_of_a_super_administrator_is_refused_to_others(root: User, teller: User) -> None:
    with pytest.raises(NotAllowed):
        staff.set_password(user_id=root.pk, password="mine now, thank you", set_by=teller, at=AT)

    root.refresh_from_db()
    assert root.check_password(PASSWORD)
    assert not AuditEvent.objects.exists()


def test_save_group_records_permissions(root: User) -> None:
    permission = Permission.objects.get(codename="change_user")

    group = staff.save_group(group=Group(), name="Tellers", permissions=[permission], saved_by=root, at=AT)
    staff.save_group(group=group, name="Desk", permissions=[], saved_by=root, at=AT)

    first, second = AuditEvent.objects.order_by("id")
    assert (first.before, first.after) == ({}, {"name": "Tellers", "permissions": ["accounts.change_user"]})
    assert (second.before, second.after) == (first.after, {"name": "Desk", "permissions": []})


def test_delete_group_records_what_it_was(root: User) -> None:
    group = Group.objects.create(name="Tellers")

    staff.delete_group(group=group, deleted_by=root, at=AT)

    assert not Group.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.before["name"]) == ("group.deleted", "Tellers")


def test_groups_are_for_super_administrators(teller: User) -> None:
    group = Group.objects.create(name="Tellers")

    with pytest.raises(NotAllowed):
        staff.save_group(group=group, name="Mine", permissions=[], saved_by=teller, at=AT)
    with pytest.raises(NotAllowed):
        staff.delete_group(group=group, deleted_by=teller, at=AT)

    assert Group.objects.get().name == "Tellers"
    assert not AuditEvent.objects.exists()
