"""Forms about people. What they save, services save."""

from typing import Any

from django import forms
from django.utils import timezone
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User
from accounts.services import staff
from accounts.services.authority import NotAllowed


class StaffCreationForm(UserCreationForm):
    """A new member of the staff, who signs in by e-mail."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "is_superuser")
        field_classes: dict[str, type[forms.Field]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["is_superuser"].label = "Super Administrator"

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class PersonChangeForm(UserChangeForm):
    """A person's details; refusals of the service are shown beside the form."""

    acting_user: User

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type[forms.Field]] = {}

    def clean_email(self) -> str | None:
        email = self.cleaned_data["email"]
        return str(email).lower() if email else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            staff.refuse_change(user=self.instance, changes=self.changes(), changed_by=self.acting_user)
        except NotAllowed as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What was on the form of what services may change."""
        return {name: self.cleaned_data[name] for name in staff.CHANGEABLE if name in self.cleaned_data}


class PasswordSettingForm(AdminPasswordChangeForm):
    """A Super Administrator sets somebody's password."""

    user: User
    acting_user: User

    def save(self, commit: bool = True) -> User:
        usable = self.cleaned_data.get("set_usable_password", True)
        password = self.cleaned_data["password1"] if usable else None
        self.user = staff.set_password(
            user_id=self.user.pk, password=password, set_by=self.acting_user, at=timezone.now()
        )
        return self.user


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Somebody changes their own password."""

    user: User

    def save(self, commit: bool = True) -> User:
        password = self.cleaned_data["new_password1"]
        self.user = staff.set_password(user_id=self.user.pk, password=password, set_by=self.user, at=timezone.now())
        return self.user
