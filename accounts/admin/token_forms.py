"""Forms about tokens; what they ask for, services do."""

from datetime import timedelta
from typing import Any

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.address_lists import split_list
from accounts.models import ApiToken
from accounts.services import token_requests, token_rotation
from accounts.services.token_requests import InvalidTokenRequest
from accounts.statuses import TokenScope

_HOUR = timedelta(hours=1)


class AllowedIpsField(forms.CharField):
    """A list of addresses and networks; what is neither is said beside the field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            label="Allowed addresses",
            help_text="Addresses or networks its requests come from, such as 192.0.2.7, 10.0.0.0/8. Empty: any",
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            **options,
        )

    def clean(self, value: Any) -> Any:
        try:
            return token_requests.check_allowed_ips(split_list(super().clean(value)))
        except InvalidTokenRequest as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


def _days_field(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=1, max_value=token_requests.MOST_DAYS, widget=UnfoldAdminIntegerFieldWidget, **options
    )


def _rate_limit_field(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=1,
        max_value=token_requests.MOST_RATE_LIMIT,
        widget=UnfoldAdminIntegerFieldWidget,
        label="Requests a minute, at most",
        **options,
    )


def _name_field() -> forms.CharField:
    return forms.CharField(
        max_length=100, required=False, widget=UnfoldAdminTextInputWidget, help_text="What it is for, in your words"
    )


def _reason_field() -> forms.CharField:
    return forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget)


class TokenCreationForm(forms.Form):
    """What a new token needs; its fields are the arguments of `create_token`."""

    partner_email = forms.EmailField(
        label="Partner's e-mail", widget=UnfoldAdminEmailInputWidget, help_text="One active token per partner"
    )
    name = _name_field()
    scopes = forms.MultipleChoiceField(choices=TokenScope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)
    gateway = forms.SlugField(
        max_length=50,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Short name of the gateway whose format the partner speaks; empty when it names one itself",
    )
    days = _days_field(label="Expires after (days)", initial=token_requests.DEFAULT_DAYS)
    rate_limit = _rate_limit_field(initial=token_requests.DEFAULT_RATE_LIMIT)
    allowed_ips = AllowedIpsField()


class TokenRotationForm(forms.Form):
    """How a token is replaced."""

    hours = forms.IntegerField(
        min_value=0,
        max_value=token_rotation.LONGEST_OVERLAP // _HOUR,
        initial=token_rotation.DEFAULT_OVERLAP // _HOUR,
        widget=UnfoldAdminIntegerFieldWidget,
        label="The old token goes on working for (hours)",
        help_text="Time for the partner to take the new one into use. 0: it stops at once",
    )
    days = _days_field(
        required=False,
        label="The new token expires after (days)",
        help_text="Empty: as many as the old one was made for",
    )
    reason = _reason_field()


class ReasonForm(BaseDialogForm):
    """Why a button was pressed, for the audit trail."""

    reason = _reason_field()


class TokenChangeForm(BaseDialogForm):
    """What may be changed of a token that partners use already."""

    name = _name_field()
    rate_limit = _rate_limit_field()
    allowed_ips = AllowedIpsField()
    reason = _reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number = str(self.object_id)
        if token := ApiToken.objects.filter(pk=number).first() if number.isdecimal() else None:
            self.initial = {
                "name": token.name,
                "rate_limit": token.rate_limit,
                "allowed_ips": ", ".join(token.allowed_ips),
            }
